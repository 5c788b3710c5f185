//! A value that fits a column which must hold something.

use crate::ident::quote;

use super::{Column, Table, Type};

/// What every row gets.
pub(crate) enum Filler {
    /// The column takes care of itself.
    Not,
    /// This value, as SQL.
    Value(String),
    /// There is none that is known to fit.
    Unknown,
}

/// What the rows of a table get in a column that must not be null and says no default.
pub(crate) fn filler(column: &Column, table: &Table) -> Filler {
    let made = column.default.is_some() || column.generated.is_some() || column.computed.is_some();
    if column.nullable || made {
        return Filler::Not;
    }
    let zero = match &column.ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) => "''",
        Type::Bool => "false",
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric(_) => {
            "0"
        }
        Type::Uuid => "'00000000-0000-0000-0000-000000000000'",
        Type::Jsonb => "'null'",
        Type::Bytea => "''",
        Type::Date | Type::Timestamp(_) | Type::Timestamptz(_) => "'epoch'",
        Type::Time(_) => "'00:00'",
        Type::Interval => "'0'",
        Type::Array(_) => "'{}'",
        Type::Named(_) => "",
    };
    match (listed(column, table), zero) {
        (Some(text), _) => Filler::Value(text),
        (None, "") => Filler::Unknown,
        (None, zero) => Filler::Value(zero.to_owned()),
    }
}

/// The first text of an enumeration.
pub(crate) fn listed(column: &Column, table: &Table) -> Option<String> {
    listed_all(column, table)?.into_iter().next()
}

/// The texts of an enumeration, as SQL: its CHECK begins with the column and lists them.
pub(crate) fn listed_all(column: &Column, table: &Table) -> Option<Vec<String>> {
    table.checks.values().find_map(|check| {
        let rest = check.expr.sql.strip_prefix(&*quote(&column.name))?;
        let list = rest.strip_prefix(" in (")?.strip_suffix(')')?;
        let mut texts: Vec<String> = Vec::new();
        for piece in list.split(", ") {
            match texts.last_mut() {
                // A comma within a text: its quotes are not closed yet.
                Some(last) if last.matches('\'').count() % 2 == 1 => {
                    last.push_str(", ");
                    last.push_str(piece);
                }
                _ => texts.push(piece.to_owned()),
            }
        }
        Some(texts)
    })
}
