//! Column types: which there are, what a value of each looks like, what each can take part in.
//!
//! The types of the extension vector are left out: PostgreSQL does not come with it. Every extension
//! that is used here does come with it, and a server without one fails the test.

use tabellion_sql::schema::Type;

use crate::dice::Dice;

/// Types by name alone.
const NAMED: [&str; 33] = [
    "citext",
    "citext",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "int4multirange",
    "tsvector",
    "tsquery",
    "json",
    "timetz",
    "bit(4)",
    "varbit",
    "varbit(9)",
    "money",
    "point",
    "hstore",
    "ltree",
    "cube",
    "interval(3)",
    "pg_lsn",
    "int4range",
    "tstzrange",
    "inet",
    "xml",
    "daterange",
    "\"char\"",
];

/// The extension that a named type comes from.
pub(crate) fn extension(ty: &Type) -> Option<&'static str> {
    let element = match ty {
        Type::Array(element) => element,
        ty => ty,
    };
    match named(element) {
        "citext" => Some("citext"),
        "hstore" => Some("hstore"),
        "ltree" => Some("ltree"),
        "cube" => Some("cube"),
        _ => None,
    }
}

/// The name of a named type; empty for the others.
pub(crate) fn named(ty: &Type) -> &str {
    match ty {
        Type::Named(name) => name,
        _ => "",
    }
}

/// Types whose values go into one another, and which take the same expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Number,
    Text,
    Moment,
    Json,
    Other,
}

pub(crate) fn family(ty: &Type) -> Family {
    use Type::*;
    match ty {
        Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) => Family::Number,
        Text | Varchar(_) | Char(_) => Family::Text,
        Named(name) if name == "citext" => Family::Text,
        Date | Timestamp(_) | Timestamptz(_) => Family::Moment,
        Jsonb => Family::Json,
        Named(name) if name == "json" => Family::Json,
        _ => Family::Other,
    }
}

/// Every type of a family, its sizes included.
fn members(of: Family) -> Vec<Type> {
    use Type::*;
    match of {
        Family::Number => vec![
            Int2,
            Int4,
            Int8,
            Float4,
            Float8,
            Numeric(None),
            Numeric(Some((5, 2))),
            Numeric(Some((8, 2))),
            Numeric(Some((8, 3))),
        ],
        Family::Text => vec![
            Text,
            Varchar(None),
            Varchar(Some(20)),
            Varchar(Some(200)),
            Char(8),
            Named("citext".into()),
        ],
        Family::Moment => vec![
            Date,
            Timestamp(None),
            Timestamp(Some(3)),
            Timestamptz(None),
            Timestamptz(Some(0)),
            Timestamptz(Some(3)),
        ],
        Family::Json => vec![Jsonb, Named("json".into())],
        Family::Other => vec![
            Bool,
            Uuid,
            Bytea,
            Time(None),
            Time(Some(0)),
            Time(Some(3)),
            Interval,
        ],
    }
}

pub(crate) fn random(dice: &mut Dice) -> Type {
    let ty = match dice.below(9) {
        0 | 1 => dice.pick(&members(Family::Number)).clone(),
        2 | 3 => dice.pick(&members(Family::Text)).clone(),
        4 => dice.pick(&members(Family::Moment)).clone(),
        5 => dice.pick(&members(Family::Json)).clone(),
        6 => dice.pick(&members(Family::Other)).clone(),
        _ => Type::Named((*dice.pick(&NAMED)).into()),
    };
    match dice.one_in(8) {
        true => Type::Array(Box::new(ty)),
        false => ty,
    }
}

/// A type that a foreign key, a partition key or a tenant column likes.
pub(crate) fn random_key(dice: &mut Dice) -> Type {
    use Type::*;
    dice.pick(&[
        Int4,
        Int8,
        Text,
        Uuid,
        Int2,
        Varchar(Some(20)),
        Named("citext".into()),
        Date,
    ])
    .clone()
}

/// Another type of the same family.
pub(crate) fn sibling(ty: &Type, dice: &mut Dice) -> Type {
    match (ty, family(ty)) {
        (Type::Array(element), _) => Type::Array(Box::new(sibling(element, dice))),
        (Type::Time(_), _) => Type::Time(*dice.pick(&[None, Some(0), Some(3)])),
        (Type::Bool, _) => Type::Bool,
        (Type::Named(name), Family::Other) => Type::Named(
            match name.as_str() {
                "inet" => "cidr",
                "cidr" => "inet",
                "macaddr" => "macaddr8",
                "macaddr8" => "macaddr",
                "varbit" => "varbit(9)",
                "varbit(9)" => "varbit",
                name => name,
            }
            .into(),
        ),
        (ty, Family::Other) => ty.clone(),
        (_, family) => dice.pick(&members(family)).clone(),
    }
}

/// A type of another family that has a cast there and back.
pub(crate) fn stranger(ty: &Type, dice: &mut Dice) -> Type {
    use Type::*;
    let texts = [Text, Varchar(None), Varchar(Some(200))];
    match ty {
        Text | Varchar(None) | Varchar(Some(200)) => random(dice),
        Bool if dice.one_in(2) => Int4,
        Int4 if dice.one_in(3) => Bool,
        Timestamp(_) | Timestamptz(_) if dice.one_in(3) => Date,
        Time(_) if dice.one_in(2) => Interval,
        _ => dice.pick(&texts).clone(),
    }
}

/// The text of the `i`th value of a type, from 1; all of them differ where the type has as many.
pub(crate) fn literal(ty: &Type, i: usize) -> String {
    use Type::*;
    match ty {
        Bool => (i % 2 == 1).to_string(),
        Int2 | Int4 | Int8 => i.to_string(),
        Float4 | Float8 | Numeric(_) => format!("{i}.25"),
        Text | Varchar(_) | Char(_) => format!("v{i}"),
        Uuid => format!("00000000-0000-4000-8000-00000000000{i}"),
        Jsonb => format!("{{\"k\": {i}}}"),
        Bytea => format!("\\x0{i}"),
        Date => format!("2026-01-0{i}"),
        Time(_) => format!("0{i}:00:00"),
        Timestamp(_) => format!("2026-01-0{i} 0{i}:00:00"),
        Timestamptz(_) => format!("2026-01-0{i} 0{i}:00:00+00"),
        Interval => format!("0{i}:00:00"),
        Array(element) => {
            let text = literal(element, i)
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            format!("{{\"{text}\"}}")
        }
        Named(name) => match name.as_str() {
            "inet" => format!("10.0.{i}.0"),
            "cidr" => format!("10.0.{i}.0/32"),
            "macaddr" => format!("08:00:2b:01:02:0{i}"),
            "macaddr8" => format!("08:00:2b:ff:fe:01:02:0{i}"),
            "int4range" | "int8range" => format!("[{i},{})", i + 1),
            "numrange" => format!("[{i}.0,{i}.5)"),
            "tsrange" => format!("[\"2026-01-0{i} 00:00:00\",\"2026-01-0{i} 12:00:00\")"),
            "tstzrange" => format!("[\"2026-01-0{i} 00:00:00+00\",\"2026-01-0{i} 12:00:00+00\")"),
            "daterange" => format!("[2026-01-0{i},2026-01-0{})", i + 1),
            "int4multirange" => format!("{{[{i},{})}}", i + 1),
            "tsvector" | "tsquery" => format!("'v{i}'"),
            "json" => format!("{{\"k\": {i}}}"),
            "timetz" => format!("0{i}:00:00+00"),
            "bit(4)" | "varbit" | "varbit(9)" => format!("{i:04b}"),
            "money" => format!("{i}.00"),
            "point" => format!("({i},0)"),
            "hstore" => format!("\"k\"=>\"{i}\""),
            "ltree" => format!("a.v{i}"),
            "cube" => format!("({i})"),
            "interval(3)" => format!("0{i}:00:00"),
            "pg_lsn" => format!("0/{i}"),
            "xml" => format!("<a>{i}</a>"),
            "\"char\"" => i.to_string(),
            _ => format!("v{i}"),
        },
    }
}

/// The text of a value that both types can hold.
pub(crate) fn shared_literal(from: &Type, to: &Type, i: usize) -> String {
    match (from, to) {
        (Type::Array(from), Type::Array(to)) => {
            let text = shared_literal(from, to, i)
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            format!("{{\"{text}\"}}")
        }
        _ if family(from) == Family::Text && family(to) != Family::Text => literal(to, i),
        _ => literal(from, i),
    }
}

pub(crate) fn element_or_self(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => element,
        ty => ty,
    }
}

/// Defaults that fit a type, as people write them.
pub(crate) fn defaults(ty: &Type) -> Vec<String> {
    use Type::*;
    let texts: &[&str] = match ty {
        Bool => &["true", "false"],
        Int2 | Int4 | Int8 => &["0", "1", "-1", "(1 + 1)"],
        Float4 | Float8 | Numeric(_) => &["0", "2.5", "-1", "random()"],
        Text | Varchar(_) => &["'x'", "'it''s'", "''", "lower('X')", "E'a\\\\b'"],
        Char(_) => &["'x'"],
        Uuid => &[
            "gen_random_uuid()",
            "'00000000-0000-0000-0000-000000000000'",
        ],
        Jsonb => &["'{}'", "'[]'::jsonb", "jsonb_build_object('k', 1)"],
        Bytea => &["'\\x00'::bytea", "''"],
        Date => &["current_date", "'2026-01-01'", "now()"],
        Time(_) => &["'10:00'", "localtime"],
        Timestamp(_) => &[
            "now()",
            "timezone('utc', now())",
            "'epoch'",
            "localtimestamp",
        ],
        Timestamptz(_) => &[
            "now()",
            "clock_timestamp()",
            "current_timestamp",
            "now() + interval '1 day'",
        ],
        Interval => &["'1 day'", "interval '2 hours'"],
        Array(_) => &["'{}'", "array[]::{type}"],
        Named(name) => match name.as_str() {
            "citext" => &["'X'"],
            "inet" => &["'127.0.0.1'", "inet_client_addr()"],
            "json" => &["'{}'"],
            "int4range" | "daterange" => &["'empty'"],
            "tsvector" | "hstore" => &["''"],
            "money" => &["0"],
            _ => &[],
        },
    };
    let ty = ty.to_string();
    texts
        .iter()
        .map(|text| text.replace("{type}", &ty))
        .collect()
}
