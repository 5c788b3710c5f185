//! Values of a type: one for each of two tenants, different ones for a key, and one that fits elsewhere.

use crate::ident::quote_literal;
use crate::schema::fitting::{Filler, filler, listed_all};
use crate::schema::{Column, Schema, Table, Type};

/// The values of two tenants, as the text of a setting is. `None` where the type has no two that are known.
///
/// Integers fit the narrowest type, and texts the shortest that the policies of a schema read, so that a column and
/// a setting of another width compare as equal.
pub(super) fn sides(ty: &Type, short: bool) -> Option<[String; 2]> {
    let pair = match ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) if short => ["~", "^"],
        Type::Text | Type::Varchar(_) | Type::Char(_) => ["rls-a", "rls-b"],
        Type::Named(name) if name == "citext" && short => ["~", "^"],
        Type::Bool => ["true", "false"],
        Type::Int2 | Type::Int4 | Type::Int8 => ["-32001", "-32002"],
        Type::Float4 | Type::Float8 | Type::Numeric(_) => ["-1", "-2"],
        Type::Uuid => [
            "aaaaaaaa-0000-4000-8000-000000000000",
            "bbbbbbbb-0000-4000-8000-000000000000",
        ],
        Type::Bytea => ["\\x0a", "\\x0b"],
        Type::Date => ["1901-01-01", "1902-02-02"],
        Type::Timestamp(_) => ["1901-01-01 00:00", "1902-02-02 00:00"],
        Type::Timestamptz(_) => ["1901-01-01 00:00+00", "1902-02-02 00:00+00"],
        Type::Time(_) => ["01:01", "02:02"],
        Type::Interval => ["1 day", "2 days"],
        Type::Jsonb => ["{\"rls\": \"a\"}", "{\"rls\": \"b\"}"],
        Type::Named(name) if name == "citext" => ["rls-a", "rls-b"],
        Type::Array(_) | Type::Named(_) => return None,
    };
    Some(pair.map(str::to_owned))
}

/// Whether a policy reads a text column too short for the usual values.
pub(super) fn is_short(schema: &Schema) -> bool {
    schema.tables.values().any(|table| {
        let read = super::rows::read_by_policies(table);
        table.columns.iter().any(|column| {
            read.contains(&column.name)
                && matches!(column.ty, Type::Varchar(Some(1..5)) | Type::Char(1..5))
        })
    })
}

/// Whether a literal that a policy compares with a column has room in it.
pub(super) fn has_room(ty: &Type, literal: &str) -> bool {
    let is_within = |least: i64, most: i64| {
        let number: Option<i64> = literal.trim_matches('\'').parse().ok();
        number.is_some_and(|number| (least..=most).contains(&number))
    };
    match ty {
        Type::Int2 => is_within(i16::MIN.into(), i16::MAX.into()),
        Type::Int4 => is_within(i32::MIN.into(), i32::MAX.into()),
        Type::Int8 => is_within(i64::MIN, i64::MAX),
        Type::Varchar(Some(most)) | Type::Char(most) => {
            let text = literal.trim_matches('\'').replace("''", "'");
            u32::try_from(text.chars().count()).is_ok_and(|length| length <= *most)
        }
        _ => true,
    }
}

/// A value as SQL.
pub(super) fn literal(ty: &Type, text: &str) -> String {
    match ty {
        Type::Bool
        | Type::Int2
        | Type::Int4
        | Type::Int8
        | Type::Float4
        | Type::Float8
        | Type::Numeric(_) => text.to_owned(),
        _ => quote_literal(text),
    }
}

/// The value of a key's column in the row of that number, as SQL.
pub(super) fn distinct(ty: &Type, number: usize) -> Option<String> {
    let text = match ty {
        Type::Varchar(Some(length)) | Type::Char(length) if *length < 9 => number.to_string(),
        Type::Text | Type::Varchar(_) | Type::Char(_) => format!("rls-row-{number}"),
        Type::Bool => (number % 2 == 1).to_string(),
        Type::Int2 | Type::Int4 | Type::Int8 => format!("-{}", 32100 + number),
        Type::Float4 | Type::Float8 | Type::Numeric(_) => format!("-{number}"),
        Type::Uuid => format!("cccccccc-0000-4000-8000-{number:012}"),
        Type::Bytea => format!("\\x0c{number:02}"),
        Type::Date => format!("1903-03-{number:02}"),
        Type::Timestamp(_) => format!("1903-03-{number:02} 00:00"),
        Type::Timestamptz(_) => format!("1903-03-{number:02} 00:00+00"),
        Type::Time(_) => format!("03:{number:02}"),
        Type::Interval => format!("{number} hours"),
        Type::Jsonb => format!("{{\"rls\": {number}}}"),
        Type::Named(name) if name == "citext" => format!("rls-row-{number}"),
        Type::Array(_) | Type::Named(_) => return None,
    };
    Some(literal(ty, &text))
}

/// What fits a column that must hold something, as SQL; `None` where the column takes care of itself, or nothing is
/// known to fit.
pub(super) fn fitting(column: &Column, table: &Table) -> Option<String> {
    match filler(column, table) {
        Filler::Not => None,
        Filler::Value(value) => Some(value),
        Filler::Unknown => {
            let Type::Named(name) = &column.ty else {
                return None;
            };
            named(name).map(|text| quote_literal(&text))
        }
    }
}

/// A value of a type that only its name says.
fn named(name: &str) -> Option<String> {
    let (plain, size) = match name.split_once('(') {
        Some((plain, size)) => (plain, size.trim_end_matches(')')),
        None => (name, ""),
    };
    let last = plain.rsplit('.').next().unwrap_or(plain);
    let text = match last {
        "vector" | "halfvec" => {
            let zeros: Vec<&str> = vec!["0"; size.parse().ok()?];
            return Some(format!("[{}]", zeros.join(",")));
        }
        "citext" | "tsvector" | "hstore" | "ltree" | "bpchar" | "varbit" | "xml" => "",
        "json" => "null",
        "inet" | "cidr" => "10.0.0.1",
        "macaddr" => "00:00:00:00:00:00",
        "money" | "oid" => "0",
        "point" => "(0,0)",
        _ if last.ends_with("multirange") => "{}",
        _ if last.ends_with("range") => "empty",
        _ => return None,
    };
    Some(text.to_owned())
}

/// The texts of an enumeration, as SQL: its CHECK begins with the column and lists them.
pub(super) fn listed(column: &Column, table: &Table) -> Option<Vec<String>> {
    listed_all(column, table)
}
