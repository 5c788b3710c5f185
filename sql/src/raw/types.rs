//! What the types of columns show about an expression: as much as is evident, and nothing where a function
//! or an operator of somebody else could be meant.

use sqlparser::ast::{
    BinaryOperator as Op, Expr as Ast, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    UnaryOperator, Value,
};

use super::names::folded;
use super::parse;
use crate::schema::Type;

/// The types of a table's columns, by the columns' names; `None` where a name or its type is not known.
pub type Columns<'a> = &'a dyn Fn(&str) -> Option<Type>;

/// The type of an expression, where that is evident; nothing of a literal, which takes the one that its place
/// asks for.
pub fn type_of(sql: &str, columns: Columns<'_>) -> Option<Type> {
    typed(&parse::expression(sql).ok()?, columns)
}

/// What the expression is, where it or one of the sides of its `and` and `or` is evidently neither true
/// nor false.
pub fn no_condition(sql: &str, columns: Columns<'_>) -> Option<String> {
    condition(&parse::expression(sql).ok()?, columns)
}

fn condition(ast: &Ast, columns: Columns<'_>) -> Option<String> {
    match ast {
        Ast::Nested(inner) => condition(inner, columns),
        Ast::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => condition(expr, columns),
        Ast::BinaryOp {
            left,
            op: Op::And | Op::Or,
            right,
        } => condition(left, columns).or_else(|| condition(right, columns)),
        ast => match (of(ast, columns)?, ast) {
            (Kind::Text(text), _) => (!is_truth(&text)).then(|| "a text".to_owned()),
            (Kind::Typed(Type::Bool | Type::Named(_)), _) => None,
            (Kind::Typed(_), Ast::Value(_)) => Some("a number".to_owned()),
            (Kind::Typed(ty), Ast::Identifier(name)) => {
                Some(format!("column `{}` of type `{ty}`", folded(name)))
            }
            (Kind::Typed(ty), _) => Some(format!("a value of type `{ty}`")),
        },
    }
}

/// Whether PostgreSQL reads the text as true or false; it takes any beginning of a word too.
fn is_truth(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let words = ["true", "false", "yes", "no", "on", "off", "1", "0"];
    !text.is_empty() && words.iter().any(|word| word.starts_with(&text))
}

/// What an expression is, where that is evident.
pub(super) enum Kind {
    Typed(Type),
    /// A literal that takes the type that its place asks for.
    Text(String),
}

pub(super) fn of(ast: &Ast, columns: Columns<'_>) -> Option<Kind> {
    Some(Kind::Typed(match ast {
        Ast::Nested(inner) => return of(inner, columns),
        Ast::Identifier(name) => columns(&folded(name))?,
        Ast::Cast { data_type, .. } => data_type.to_string().parse().ok()?,
        Ast::TypedString(typed) => typed.data_type.to_string().parse().ok()?,
        Ast::Interval(_) => Type::Interval,
        Ast::Value(value) => match &value.value {
            Value::Number(digits, _) if digits.contains(['.', 'e', 'E']) => Type::Numeric(None),
            Value::Number(..) => Type::Int4,
            Value::Boolean(_) => Type::Bool,
            value => return Some(Kind::Text(text(value)?.to_owned())),
        },
        Ast::UnaryOp {
            op: UnaryOperator::Not,
            ..
        }
        | Ast::IsNull(_)
        | Ast::IsNotNull(_)
        | Ast::IsTrue(_)
        | Ast::IsNotTrue(_)
        | Ast::IsFalse(_)
        | Ast::IsNotFalse(_)
        | Ast::IsDistinctFrom(..)
        | Ast::IsNotDistinctFrom(..)
        | Ast::InList { .. }
        | Ast::Between { .. }
        | Ast::Like { .. }
        | Ast::ILike { .. } => Type::Bool,
        Ast::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => return of(expr, columns).filter(|kind| matches!(kind, Kind::Typed(_))),
        Ast::AtTimeZone { timestamp, .. } => match typed(timestamp, columns)? {
            Type::Timestamptz(_) => Type::Timestamp(None),
            Type::Timestamp(_) => Type::Timestamptz(None),
            _ => return None,
        },
        Ast::BinaryOp { left, op, right } => {
            binary(op, typed(left, columns), typed(right, columns))?
        }
        Ast::Function(function) => call(function, columns)?,
        _ => return None,
    }))
}

pub(super) fn typed(ast: &Ast, columns: Columns<'_>) -> Option<Type> {
    match of(ast, columns)? {
        Kind::Typed(ty) => Some(ty),
        Kind::Text(_) => None,
    }
}

pub(super) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
        _ => None,
    }
}

fn binary(op: &Op, left: Option<Type>, right: Option<Type>) -> Option<Type> {
    match op {
        Op::And | Op::Or | Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
            Some(Type::Bool)
        }
        Op::LongArrow | Op::HashLongArrow => (left? == Type::Jsonb).then_some(Type::Text),
        Op::Arrow | Op::HashArrow => left.filter(|ty| *ty == Type::Jsonb),
        Op::StringConcat => match (left, right) {
            (Some(one), Some(other)) if is_text(&one) && is_text(&other) => Some(Type::Text),
            _ => None,
        },
        Op::Plus | Op::Minus => sum(left?, right?),
        Op::Multiply | Op::Divide | Op::Modulo => {
            let (left, right) = (left?, right?);
            (is_number(&left) && is_number(&right)).then_some(left)
        }
        _ => None,
    }
}

/// Source: <https://www.postgresql.org/docs/15/functions-datetime.html#OPERATORS-DATETIME-TABLE>
fn sum(left: Type, right: Type) -> Option<Type> {
    match (&left, &right) {
        (Type::Timestamptz(_), Type::Interval) | (Type::Interval, Type::Timestamptz(_)) => {
            Some(Type::Timestamptz(None))
        }
        (Type::Timestamp(_) | Type::Date, Type::Interval)
        | (Type::Interval, Type::Timestamp(_) | Type::Date) => Some(Type::Timestamp(None)),
        (Type::Interval, Type::Interval) => Some(Type::Interval),
        (left_ty, right_ty) if is_number(left_ty) && is_number(right_ty) => Some(left),
        _ => None,
    }
}

/// Functions of which the type is evident; most names could be somebody else's as well.
fn call(function: &Function, columns: Columns<'_>) -> Option<Type> {
    let name = folded(function.name.0.last()?.as_ident()?);
    let first = arguments(function).next();
    match name.as_str() {
        "lower" | "upper" | "btrim" | "ltrim" | "rtrim" | "replace" => {
            let ty = typed(first?, columns)?;
            is_text(&ty).then_some(Type::Text)
        }
        "length" | "char_length" | "octet_length" => {
            let ty = typed(first?, columns)?;
            is_text(&ty).then_some(Type::Int4)
        }
        "coalesce" => typed(first?, columns),
        _ => None,
    }
}

pub(super) fn arguments(function: &Function) -> impl Iterator<Item = &Ast> {
    let list = match &function.args {
        FunctionArguments::List(list) => list.args.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        _ => None,
    })
}

pub(super) fn is_text(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Varchar(_) | Type::Char(_))
}

pub(super) fn is_number(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric(_)
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The columns of the tests.
    pub(in crate::raw) fn column(name: &str) -> Option<Type> {
        let text = match name {
            "name" => "text",
            "code" => "varchar(3)",
            "at" => "timestamptz",
            "local" => "timestamp",
            "day" => "date",
            "noon" => "time",
            "n" => "integer",
            "open" => "boolean",
            "data" => "jsonb",
            "during" => "tstzrange",
            "tags" => "text[]",
            "own" => "my_domain",
            _ => return None,
        };
        text.parse().ok()
    }

    #[test]
    fn the_type_of_an_expression_where_that_is_evident() {
        let shown = |sql| type_of(sql, &column).map(|ty| ty.to_string());
        for (sql, ty) in [
            ("n + 1", "integer"),
            ("lower(name)", "text"),
            ("data ->> 'note'", "text"),
            ("(data -> 'note')", "jsonb"),
            ("name::own", "own"),
        ] {
            assert_eq!(shown(sql).as_deref(), Some(ty), "{sql}");
        }
        for sql in ["'x'", "mine(n)", "missing", "name collate \"C\"", "not ("] {
            assert_eq!(shown(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_condition_is_true_or_false() {
        let found = |sql| no_condition(sql, &column);
        assert_eq!(found("1").as_deref(), Some("a number"));
        assert_eq!(found("'x'").as_deref(), Some("a text"));
        assert_eq!(
            found("(name)").as_deref(),
            Some("column `name` of type `text`")
        );
        assert_eq!(
            found("n > 1 and not n + 1").as_deref(),
            Some("a value of type `integer`")
        );
        assert!(found("open or lower(name)").is_some());
        for sql in [
            "open",
            "null",
            "'t'",
            "n > 1 and open",
            "own",
            "missing",
            "mine(n)",
            "name like 'a%'",
            "n in (1, 2)",
            "coalesce(open, false)",
            "case when open then true end",
            "(data ->> 'open')::boolean",
        ] {
            assert_eq!(found(sql), None, "{sql}");
        }
    }
}
