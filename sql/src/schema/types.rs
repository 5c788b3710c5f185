//! Column types.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The type of a column. Displays as a person would write it in SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `boolean`
    Bool,
    /// `smallint`
    Int2,
    /// `integer`
    Int4,
    /// `bigint`
    Int8,
    /// `real`
    Float4,
    /// `double precision`
    Float8,
    /// `numeric`, with precision and scale where they are given
    Numeric(Option<(u16, u16)>),
    /// `text`
    Text,
    /// `uuid`
    Uuid,
    /// `jsonb`
    Jsonb,
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `time`, without time zone, with its digits of a second where they are given
    Time(Option<u8>),
    /// `timestamp`, without time zone, with its digits of a second where they are given
    Timestamp(Option<u8>),
    /// `timestamptz`, with its digits of a second where they are given
    Timestamptz(Option<u8>),
    /// `interval`
    Interval,
    /// `varchar`, with its most characters where they are given
    Varchar(Option<u32>),
    /// `char`, with its number of characters
    Char(u32),
    /// An array of one dimension
    Array(Box<Type>),
    /// Any other type, by the text that declares it
    Named(String),
}

/// PostgreSQL's internal name, and the name to write, of every type without parameters.
const PLAIN: [(Type, &str, &str); 17] = [
    (Type::Bool, "bool", "boolean"),
    (Type::Int2, "int2", "smallint"),
    (Type::Int4, "int4", "integer"),
    (Type::Int8, "int8", "bigint"),
    (Type::Float4, "float4", "real"),
    (Type::Float8, "float8", "double precision"),
    (Type::Numeric(None), "numeric", "numeric"),
    (Type::Text, "text", "text"),
    (Type::Uuid, "uuid", "uuid"),
    (Type::Jsonb, "jsonb", "jsonb"),
    (Type::Bytea, "bytea", "bytea"),
    (Type::Date, "date", "date"),
    (Type::Time(None), "time", "time"),
    (Type::Timestamp(None), "timestamp", "timestamp"),
    (Type::Timestamptz(None), "timestamptz", "timestamptz"),
    (Type::Interval, "interval", "interval"),
    (Type::Varchar(None), "varchar", "varchar"),
];

/// Other ways to write one of those types, and types that are named only, with the name to write.
const ALIASES: [(&str, &str); 11] = [
    ("int", "integer"),
    ("decimal", "numeric"),
    ("float", "double precision"),
    ("character varying", "varchar"),
    ("char", "char(1)"),
    ("character", "char(1)"),
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("time without time zone", "time"),
    ("time with time zone", "timetz"),
    ("bit varying", "varbit"),
];

impl Type {
    /// PostgreSQL's internal name, as `pg_type.typname` has it (`int4`, `_text`); parameters left out.
    pub fn internal_name(&self) -> String {
        match self {
            Type::Numeric(_) => "numeric".into(),
            Type::Time(_) => "time".into(),
            Type::Timestamp(_) => "timestamp".into(),
            Type::Timestamptz(_) => "timestamptz".into(),
            Type::Varchar(_) => "varchar".into(),
            Type::Char(_) => "bpchar".into(),
            Type::Array(element) => format!("_{}", element.internal_name()),
            Type::Named(text) => text.split('(').next().unwrap_or(text).trim_end().into(),
            _ => self
                .plain()
                .map(|(name, _)| name.to_owned())
                .unwrap_or_default(),
        }
    }

    /// Whether PostgreSQL is known to refuse what stands in the type's parentheses.
    /// Source: <https://www.postgresql.org/docs/15/datatype.html>.
    pub fn is_refused(&self) -> bool {
        match self {
            Type::Varchar(Some(length)) | Type::Char(length) => !(1..=10_485_760).contains(length),
            Type::Numeric(Some((precision, scale))) => {
                !(1..=1000).contains(precision) || *scale > 1000
            }
            Type::Array(element) => element.is_refused(),
            Type::Named(text) => {
                let (name, modifier) = modifier(text);
                let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
                let name = alias.map_or(name.as_str(), |(_, name)| name);
                let plain = PLAIN
                    .iter()
                    .find(|(_, internal, sql)| name == *internal || name == *sql);
                // `numeric` may have a scale below zero.
                let takes_one =
                    matches!(plain, None | Some((Type::Interval | Type::Numeric(_), ..)));
                !modifier.is_empty() && !takes_one
            }
            _ => false,
        }
    }

    /// Whether it is the `citext` of the extension, with its schema or without.
    pub(crate) fn is_citext(&self) -> bool {
        matches!(self, Type::Named(text) if bare(text) == "citext")
    }

    fn plain(&self) -> Option<(&'static str, &'static str)> {
        PLAIN
            .iter()
            .find(|(plain, ..)| plain == self)
            .map(|(_, internal, sql)| (*internal, *sql))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Numeric(Some((precision, scale))) => write!(f, "numeric({precision}, {scale})"),
            Type::Time(Some(digits)) => write!(f, "time({digits})"),
            Type::Timestamp(Some(digits)) => write!(f, "timestamp({digits})"),
            Type::Timestamptz(Some(digits)) => write!(f, "timestamptz({digits})"),
            Type::Varchar(Some(length)) => write!(f, "varchar({length})"),
            Type::Char(length) => write!(f, "char({length})"),
            Type::Array(element) => write!(f, "{element}[]"),
            Type::Named(text) => f.write_str(text),
            _ => f.write_str(self.plain().map_or("", |(_, sql)| sql)),
        }
    }
}

impl FromStr for Type {
    type Err = std::convert::Infallible;

    /// Reads any of a type's names, `format_type`'s included. What it does not know is a
    /// [`Type::Named`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(element) = text.strip_suffix("[]") {
            return Ok(Type::Array(Box::new(element.parse()?)));
        }
        let lower = text.to_ascii_lowercase();
        let (name, modifier) = modifier(&lower);
        if let ("float", Ok(digits)) = (name.as_str(), modifier.parse::<u32>()) {
            // The binary digits that a value must have: <https://www.postgresql.org/docs/15/datatype-numeric.html>.
            match digits {
                1..=24 => return Ok(Type::Float4),
                25..=53 => return Ok(Type::Float8),
                _ => {}
            }
        }
        let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
        let name = alias.map_or(name.as_str(), |(_, name)| name);
        if modifier.is_empty() {
            if let Some((ty, ..)) = PLAIN
                .iter()
                .find(|(_, internal, sql)| name == *internal || name == *sql)
            {
                return Ok(ty.clone());
            }
            if name == "char(1)" {
                return Ok(Type::Char(1));
            }
        }
        let one = |value: &str| value.trim().parse::<u32>().ok();
        let digits = || one(&modifier).and_then(|digits| u8::try_from(digits).ok());
        let ty = match name {
            "numeric" => numeric(&modifier),
            "varchar" => one(&modifier).map(|length| Type::Varchar(Some(length))),
            "char" | "char(1)" => one(&modifier).map(Type::Char),
            "time" => digits().map(|digits| Type::Time(Some(digits))),
            "timestamp" => digits().map(|digits| Type::Timestamp(Some(digits))),
            "timestamptz" => digits().map(|digits| Type::Timestamptz(Some(digits))),
            _ => None,
        };
        Ok(ty.unwrap_or_else(|| {
            // A name in quotes keeps its case.
            let kept = if text.contains('"') { text } else { &lower };
            match alias {
                Some(_) if modifier.is_empty() => Type::Named(name.to_owned()),
                Some(_) => Type::Named(format!("{name}({modifier})")),
                None => Type::Named(kept.to_owned()),
            }
        }))
    }
}

/// A named type without the schema that it lies in.
pub(crate) fn bare(text: &str) -> &str {
    let name = text.split('(').next().unwrap_or(text);
    let start = name.rfind('.').map_or(0, |dot| dot + 1);
    &text[start..]
}

/// Takes `(…)` out of a type's name: `timestamp(3) with time zone`.
fn modifier(lower: &str) -> (String, String) {
    let outside = || (lower.to_owned(), String::new());
    let Some((before, rest)) = lower.split_once('(') else {
        return outside();
    };
    let Some((inner, after)) = rest.split_once(')') else {
        return outside();
    };
    let name = format!("{} {}", before.trim(), after.trim());
    (name.trim().to_owned(), inner.trim().to_owned())
}

fn numeric(modifier: &str) -> Option<Type> {
    let (precision, scale) = modifier.split_once(',').unwrap_or((modifier, "0"));
    Some(Type::Numeric(Some((
        precision.trim().parse().ok()?,
        scale.trim().parse().ok()?,
    ))))
}

impl Serialize for Type {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(text.parse().unwrap_or(Type::Named(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_parentheses_is_judged() {
        let is_refused = |text: &str| text.parse::<Type>().is_ok_and(|ty| ty.is_refused());
        for text in [
            "varchar(0)",
            "char(10485761)",
            "numeric(1001)",
            "numeric(0)[]",
            "integer(4)",
            "text(3)",
            "uuid(1)",
            "bool(1)",
            "varchar(x)",
            "timestamp(x)",
            "date(3)",
            "float(0)",
            "float(54)",
            "float8(24)",
            "double precision(24)",
            "real(24)",
        ] {
            assert!(is_refused(text), "{text}");
        }
        for text in [
            "varchar(1)",
            "numeric(1000, 1000)",
            "numeric(3, -2)",
            "float(24)",
            "interval(3)",
            "bit(3)",
            "vector(3)",
            "mine.text(3)",
            "timestamp(3) with time zone",
            "interval day to second(3)",
        ] {
            assert!(!is_refused(text), "{text}");
        }
    }

    #[test]
    fn a_type_survives_its_own_text() {
        for (ty, ..) in PLAIN {
            assert_eq!(ty.to_string().parse(), Ok(ty.clone()));
            let array = Type::Array(Box::new(ty));
            assert_eq!(array.to_string().parse(), Ok(array));
        }
        let money = Type::Numeric(Some((5, 2)));
        assert_eq!(money.to_string(), "numeric(5, 2)");
        assert_eq!(money.to_string().parse(), Ok(money));
        assert_eq!("citext".parse(), Ok(Type::Named("citext".into())));
        for (text, ty) in [
            ("character varying(20)", Type::Varchar(Some(20))),
            ("character(2)", Type::Char(2)),
            ("timestamp(3) with time zone", Type::Timestamptz(Some(3))),
            ("timestamp(3) without time zone", Type::Timestamp(Some(3))),
            ("time(0)", Type::Time(Some(0))),
            ("interval(3)", Type::Named("interval(3)".into())),
            ("Vector(384)", Type::Named("vector(384)".into())),
            ("bit varying(5)", Type::Named("varbit(5)".into())),
            ("char", Type::Char(1)),
            ("float", Type::Float8),
            ("float(1)", Type::Float4),
            ("float(24)", Type::Float4),
            ("float (25)", Type::Float8),
            ("float(53)[]", Type::Array(Box::new(Type::Float8))),
            // Of any length, unlike `char`.
            ("bpchar", Type::Named("bpchar".into())),
            ("\"Mood\"", Type::Named("\"Mood\"".into())),
        ] {
            assert_eq!(text.parse(), Ok(ty.clone()), "{text}");
            assert_eq!(ty.to_string().parse(), Ok(ty));
        }
    }
}
