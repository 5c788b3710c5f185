//! One field: numbering, types, the default.

use proc_macro2::Span;
use tabellion_sql::literal;
use tabellion_sql::raw::{self, Clause};
use tabellion_sql::schema::{Generated, Type};

use super::{collation, generated, no_nul};
use crate::Report;
use crate::ast::{At, Column, Default, TypeRef};
use crate::attr::{ColumnAttr, modifier_between};
use crate::predicate::{Literal, SpanOf, Value, plain};
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
    generated::column(column, attr, report);
    collation::column(column, report);
    search(column, report);
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

/// A `tsvector` that every new row would have to bring: only PostgreSQL makes them.
fn search(column: &Column, report: &mut Report) {
    let is_tsvector = matches!(&column.ty, TypeRef::Known(Type::Named(name)) if name == "tsvector");
    if is_tsvector && !column.nullable && !column.is_filled() {
        report.at(
            column.ident.span(),
            format!(
                "column `{}` is a `tsvector`, which only PostgreSQL makes; write `#[column(generated = \
                 sql(\"to_tsvector('english', ...)\"))]`",
                column.name.value
            ),
        );
    }
}

/// Two types, or a stated one that the field says already or could never be read from.
fn types(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let name = &column.name.value;
    let words = attr.modifiers.iter().map(|at| (at.value.word(), at.span));
    let mut words = words.collect::<Vec<_>>();
    let first = match &attr.stated {
        Some(_) => "type",
        None if words.is_empty() => return,
        None => words.remove(0).0,
    };
    if let Some((second, span)) = words.first() {
        report.at(
            *span,
            format!("column `{name}` has two types; keep `{first}` or `{second}`"),
        );
        return;
    }
    if let Some(stated) = attr
        .stated
        .as_ref()
        .filter(|stated| stated.value.is_refused())
    {
        let message = format!(
            "column `{name}` is `{}`, which PostgreSQL refuses; correct what stands in its parentheses",
            stated.value
        );
        report.at(stated.span, message);
        return;
    }
    let (Some(stated), Some(own)) = (&attr.stated, rust_type::known_type(&column.rust_type.0))
    else {
        return;
    };
    let rust = rust_type::display(&column.rust_type.0);
    let ty = &stated.value;
    let message = if *ty == own {
        format!("column `{name}` is `{ty}` by its field's type `{rust}`; remove `type`")
    } else if let Some(modifier) = modifier_between(&own, ty) {
        format!(
            "the type of column `{name}` has a word of its own; write `{}` instead of `type`",
            modifier.written()
        )
    } else if !rust_type::may_read(&own, ty) {
        format!(
            "column `{name}` is `{}` but its field is `{rust}`, which holds `{}`; change one of them",
            ty.internal_name(),
            own.internal_name()
        )
    } else {
        return;
    };
    report.at(stated.span, message);
}

/// A default that PostgreSQL would refuse, or would read as something else.
fn default_fits(column: &Column, default: &At<Default>, report: &mut Report) {
    let name = &column.name.value;
    let value = match &default.value {
        Default::Sql(sql) => {
            return match quoted(sql).and_then(|text| refused(column, &text)) {
                Some(message) => report.at(default.span, message),
                None => default_sql(name, sql, default.span, report),
            };
        }
        Default::Value(value) => value,
    };
    if let Value::Literal(literal, _) = value
        && matches!(column.ty, TypeRef::Stated(_))
        && let Some(message) = no_value(column, literal)
    {
        report.at(default.span, message);
        return;
    }
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

/// Whether a literal is a value of a column, as far as its type tells.
pub(super) fn literal_fits(ty: &TypeRef, literal: &Literal) -> bool {
    let value = Value::Literal(literal.clone(), SpanOf(Span::call_site()));
    match ty {
        TypeRef::Enum(_) => matches!(literal, Literal::Str(_)),
        TypeRef::EnumArray(_) => false,
        TypeRef::Stated(Type::Named(_)) => true,
        TypeRef::Known(ty) | TypeRef::Stated(ty) => {
            fits_text(ty, &value) || misfit(ty, &value).is_none()
        }
    }
}

/// What is wrong with a text that no value of the column's type has, where values of it are written as texts.
pub(super) fn no_value(column: &Column, literal: &Literal) -> Option<String> {
    let (Literal::Str(text), TypeRef::Known(ty) | TypeRef::Stated(ty)) = (literal, &column.ty)
    else {
        return None;
    };
    let is_word = matches!(ty, Type::Int2 | Type::Int4 | Type::Int8 | Type::Bool);
    (!is_word).then(|| refused(column, text)).flatten()
}

/// What is wrong with a text that PostgreSQL reads as no value of the column's type.
fn refused(column: &Column, text: &str) -> Option<String> {
    let (TypeRef::Known(ty) | TypeRef::Stated(ty)) = &column.ty else {
        return None;
    };
    if literal::moment_of_reading(ty, text).is_some() {
        return Some(format!(
            "`{text}` is the moment at which the migration runs, and column `{}` would keep that one; write it out, or \
             for a default `sql(\"now()\")`, `sql(\"current_date\")`",
            column.name.value
        ));
    }
    literal::is_refused(ty, text).then(|| {
        format!(
            "`{text}` is no `{}`, and column `{}` is one; correct it",
            ty.internal_name(),
            column.name.value
        )
    })
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
                | Type::Interval
                | Type::Array(_)
        )
}

/// The text of SQL that is nothing but a text.
fn quoted(sql: &str) -> Option<String> {
    let inner = sql.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let is_one = !inner.replace("''", "").contains('\'');
    is_one.then(|| inner.replace("''", "'"))
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
            let refused = raw::refused(sql, Clause::Default).into_iter();
            for refused in refused.chain(raw::mistyped(sql, Clause::Default, &|_| None)) {
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
        Value::Literal(Literal::Str(text), _) => match ty {
            Type::Varchar(Some(most)) | Type::Char(most) => return too_long(ty, *most, text),
            _ => matches!(ty, Type::Text | Type::Varchar(None)),
        },
        Value::Literal(literal @ Literal::Int(digits), _) => match ty {
            Type::Numeric(limits) => return beyond(*limits, digits),
            Type::Int2 | Type::Int4 | Type::Int8 => has_room(ty, literal),
            _ => is_float && has_room(ty, literal),
        },
        Value::Literal(literal @ Literal::Float(digits), _) => match ty {
            Type::Numeric(limits) => return beyond(*limits, digits),
            _ => is_float && has_room(ty, literal),
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

/// A text of more characters than the column holds.
fn too_long(ty: &Type, most: u32, text: &str) -> Option<String> {
    let length = text.chars().count();
    let fits = u32::try_from(length).is_ok_and(|length| length <= most);
    (!fits).then(|| {
        format!("is `{ty}`: the text has {length} characters; change the text or the type")
    })
}

/// Whether a number is within the range of a type that has one. A fraction beside an integer column is: both are
/// compared as `numeric`.
pub(crate) fn has_room(ty: &Type, literal: &Literal) -> bool {
    let (Literal::Int(digits) | Literal::Float(digits)) = literal else {
        return true;
    };
    // What rounds to zero is out of range too.
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !mantissa.contains(|c: char| ('1'..='9').contains(&c));
    match ty {
        Type::Float4 => (digits.parse::<f32>())
            .is_ok_and(|number| number.is_finite() && (number == 0.0) == is_zero),
        Type::Float8 => (digits.parse::<f64>())
            .is_ok_and(|number| number.is_finite() && (number == 0.0) == is_zero),
        _ if matches!(literal, Literal::Float(_)) => true,
        Type::Int2 => digits.parse::<i16>().is_ok(),
        Type::Int4 => digits.parse::<i32>().is_ok(),
        Type::Int8 => digits.parse::<i64>().is_ok(),
        _ => true,
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
