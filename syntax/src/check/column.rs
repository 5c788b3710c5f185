//! One field: numbering, types, the default.

use proc_macro2::Span;
use tabellion_sql::raw::{self, Clause};
use tabellion_sql::schema::{Generated, Type};

use super::no_nul;
use crate::Report;
use crate::ast::{At, Column, Default, TypeRef};
use crate::attr::ColumnAttr;
use crate::predicate::{Literal, Value, plain};
use crate::rust_type;

/// Every rule about one field.
pub(crate) fn column(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    numbered(column, attr, report);
    types(column, attr, report);
    if let Some(option) = &attr.foreign_key_option
        && !attr.references_tried
    {
        report.at(
            option.span(),
            format!(
                "`{option}` on column `{}` needs a foreign key; add `references = ...`",
                column.name.value
            ),
        );
    }
    if let Some(default) = &column.default {
        default_fits(column, default, report);
    }
    let what = format!("the comment of column `{}`", column.name.value);
    let span = column.ident.span();
    no_nul(&what, column.comment.as_ref(), span, report);
}

fn numbered(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let name = &column.name.value;
    let Some((first, rest)) = attr.generated.split_first() else {
        return;
    };
    if let Some(second) = rest.first() {
        report.at(
            second.span,
            format!("column `{name}` is numbered twice; keep `serial` or `identity`"),
        );
    }
    let word = match first.value {
        Generated::Serial => "serial",
        _ => "identity",
    };
    let is_integer = matches!(
        column.ty,
        TypeRef::Known(Type::Int2 | Type::Int4 | Type::Int8)
            | TypeRef::Stated(Type::Int2 | Type::Int4 | Type::Int8)
    );
    if !is_integer {
        report.at(
            first.span,
            format!(
                "`{word}` numbers rows, and column `{name}` is no integer; use `i16`, `i32` or `i64`"
            ),
        );
    }
    if column.nullable {
        report.at(
            first.span,
            format!(
                "`{word}` makes column `{name}` NOT NULL; remove the `Option` from field `{}`",
                plain(&column.ident)
            ),
        );
    }
    if let Some(default) = &column.default {
        report.at(
            default.span,
            format!("column `{name}` is `{word}`, which is its default; remove `default`"),
        );
    }
}

/// A stated type that a field of a type we know could never be read from.
fn types(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let name = &column.name.value;
    let Some(stated) = &attr.stated else {
        return;
    };
    if let Some(numeric) = &attr.numeric {
        report.at(
            numeric.span,
            format!("column `{name}` has two types; keep `type` or `numeric`"),
        );
        return;
    }
    let Some(own) = rust_type::known_type(&column.rust_type.0) else {
        return;
    };
    let fits = match (&own, &stated.value) {
        // What `String` and `Json` read besides is not known here.
        (_, Type::Named(_)) => true,
        (Type::Numeric(_), Type::Numeric(_)) => true,
        (own, stated) => own == stated,
    };
    if !fits {
        report.at(
            stated.span,
            format!(
                "column `{name}` is `{}` but its field is `{}`, which holds `{}`; change one of them",
                stated.value.internal_name(),
                rust_type::display(&column.rust_type.0),
                own.internal_name()
            ),
        );
    }
}

/// A default that PostgreSQL would refuse, or would read as something else.
fn default_fits(column: &Column, default: &At<Default>, report: &mut Report) {
    let name = &column.name.value;
    let value = match &default.value {
        Default::Sql(sql) => return default_sql(name, sql, default.span, report),
        Default::Value(value) => value,
    };
    let rest = match &column.ty {
        TypeRef::Enum(path) => match value {
            Value::Variant(_) => return,
            _ => format!("is `{}`; use one of its variants", path.text()),
        },
        TypeRef::EnumArray(_) | TypeRef::Known(Type::Array(_)) => {
            "is an array; write `sql(\"...\")`".to_owned()
        }
        // Of a type that we do not know, PostgreSQL reads any text.
        TypeRef::Stated(Type::Named(_)) => return,
        TypeRef::Stated(ty) if fits_text(ty, value) => return,
        TypeRef::Known(ty) | TypeRef::Stated(ty) => match misfit(ty, value) {
            Some(rest) => rest,
            None => return,
        },
    };
    report.at(
        default.span,
        format!("the default does not fit column `{name}`, which {rest}"),
    );
}

/// Types whose values are commonly written as texts.
fn fits_text(ty: &Type, value: &Value) -> bool {
    let is_text = matches!(value, Value::Literal(Literal::Str(_), _));
    is_text
        && matches!(
            ty,
            Type::Uuid
                | Type::Jsonb
                | Type::Bytea
                | Type::Date
                | Type::Time(_)
                | Type::Timestamp(_)
                | Type::Timestamptz(_)
                | Type::Array(_)
        )
}

fn default_sql(column: &str, sql: &str, span: Span, report: &mut Report) {
    let what = format!("default of column `{column}`");
    match raw::expression(sql, column, &[]) {
        Err(messages) => {
            for message in messages {
                let message = match message.starts_with("no column") {
                    true => format!("{what} cannot read a column; write a value"),
                    false => format!("{what} is not a valid SQL expression: {message}"),
                };
                report.at(span, message);
            }
        }
        Ok(_) => {
            for refused in raw::refused(sql, Clause::Default) {
                report.at(span, format!("{what} cannot {refused}"));
            }
        }
    }
}

/// What the column is, where the value is nothing for it; then the remedy.
fn misfit(ty: &Type, value: &Value) -> Option<String> {
    let is_float = matches!(ty, Type::Float4 | Type::Float8);
    let fits = match value {
        Value::Literal(Literal::Bool(_), _) => *ty == Type::Bool,
        Value::Literal(Literal::Str(_), _) => *ty == Type::Text,
        Value::Literal(Literal::Int(digits), _) => match ty {
            Type::Int2 => digits.parse::<i16>().is_ok(),
            Type::Int4 => digits.parse::<i32>().is_ok(),
            Type::Int8 => digits.parse::<i64>().is_ok(),
            Type::Numeric(limits) => return beyond(*limits, digits),
            _ => is_float && is_finite(ty, digits),
        },
        Value::Literal(Literal::Float(digits), _) => match ty {
            Type::Numeric(limits) => return beyond(*limits, digits),
            _ => is_float && is_finite(ty, digits),
        },
        Value::Now(_) => matches!(
            ty,
            Type::Timestamptz(_) | Type::Timestamp(_) | Type::Date | Type::Time(_)
        ),
        Value::RandomUuid(_) => *ty == Type::Uuid,
        Value::Variant(_) | Value::Column(_) | Value::Scope(_) => false,
    };
    let name = ty.internal_name();
    (!fits).then(|| format!("is `{name}`; use a value of that type, or `sql(\"...\")`"))
}

fn is_finite(ty: &Type, digits: &str) -> bool {
    match ty {
        Type::Float4 => digits.parse().is_ok_and(f32::is_finite),
        _ => digits.parse().is_ok_and(f64::is_finite),
    }
}

/// A number that `numeric(precision, scale)` would refuse, or would round.
fn beyond(limits: Option<(u16, u16)>, digits: &str) -> Option<String> {
    let (precision, scale) = limits?;
    if digits.contains(['e', 'E']) {
        return None;
    }
    let digits = digits.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len();
    let fraction = fraction.trim_end_matches('0').len();
    let fits = whole <= usize::from(precision - scale) && fraction <= usize::from(scale);
    (!fits).then(|| {
        format!(
            "is `numeric({precision}, {scale})`: {} digits before the point and {scale} after it; \
             change the number or the type",
            precision - scale
        )
    })
}
