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
    /// `time`, without time zone
    Time,
    /// `timestamp`, without time zone
    Timestamp,
    /// `timestamptz`
    Timestamptz,
    /// An array of one dimension
    Array(Box<Type>),
    /// Any other type, by the text that declares it
    Named(String),
}

/// PostgreSQL's internal name, and the name to write, of every type without parameters.
const PLAIN: [(Type, &str, &str); 15] = [
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
    (Type::Time, "time", "time"),
    (Type::Timestamp, "timestamp", "timestamp"),
    (Type::Timestamptz, "timestamptz", "timestamptz"),
];

impl Type {
    /// PostgreSQL's internal name, as `pg_type.typname` has it (`int4`, `_text`); parameters left out.
    pub fn internal_name(&self) -> String {
        match self {
            Type::Numeric(_) => "numeric".into(),
            Type::Array(element) => format!("_{}", element.internal_name()),
            Type::Named(text) => text.clone(),
            _ => self
                .plain()
                .map(|(name, _)| name.to_owned())
                .unwrap_or_default(),
        }
    }

    fn plain(&self) -> Option<(&'static str, &'static str)> {
        PLAIN
            .iter()
            .find(|(plain, ..)| plain == self)
            .map(|(_, internal, sql)| (*internal, *sql))
    }

    /// Whether every value of this type is one of the other type too, so that a change loses nothing.
    pub fn widens_to(&self, other: &Type) -> bool {
        match (self, other) {
            (a, b) if a == b => true,
            (Type::Int2, Type::Int4 | Type::Int8 | Type::Numeric(None)) => true,
            (Type::Int4, Type::Int8 | Type::Numeric(None) | Type::Float8) => true,
            (Type::Int8, Type::Numeric(None)) | (Type::Float4, Type::Float8) => true,
            (Type::Numeric(Some(_)), Type::Numeric(None)) => true,
            (Type::Numeric(Some((p, s))), Type::Numeric(Some((wider, scale)))) => {
                // Digits before the point and after it: neither may become fewer.
                scale >= s && i32::from(*wider) - i32::from(*scale) >= i32::from(*p) - i32::from(*s)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Numeric(Some((precision, scale))) => write!(f, "numeric({precision}, {scale})"),
            Type::Array(element) => write!(f, "{element}[]"),
            Type::Named(text) => f.write_str(text),
            _ => f.write_str(self.plain().map_or("", |(_, sql)| sql)),
        }
    }
}

impl FromStr for Type {
    type Err = std::convert::Infallible;

    /// Reads either of a type's names. What it does not know is a [`Type::Named`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(element) = text.strip_suffix("[]") {
            return Ok(Type::Array(Box::new(element.parse()?)));
        }
        let lower = text.to_ascii_lowercase();
        for (ty, internal, sql) in PLAIN {
            if lower == internal || lower == sql {
                return Ok(ty);
            }
        }
        Ok(match lower.as_str() {
            "int" => Type::Int4,
            "decimal" => Type::Numeric(None),
            "timestamp with time zone" => Type::Timestamptz,
            "timestamp without time zone" => Type::Timestamp,
            "time without time zone" => Type::Time,
            _ => numeric(&lower).unwrap_or_else(|| Type::Named(text.to_owned())),
        })
    }
}

fn numeric(lower: &str) -> Option<Type> {
    let rest = lower
        .strip_prefix("numeric")
        .or_else(|| lower.strip_prefix("decimal"))?;
    let inner = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (precision, scale) = inner.split_once(',').unwrap_or((inner, "0"));
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
    fn a_type_widens_only_where_no_value_is_lost() {
        let numeric = |precision, scale| Type::Numeric(Some((precision, scale)));
        for (from, to, widens) in [
            (Type::Int4, Type::Int8, true),
            (Type::Int8, Type::Int4, false),
            (Type::Int8, Type::Float8, false),
            (Type::Float4, Type::Float8, true),
            (numeric(5, 2), Type::Numeric(None), true),
            (numeric(5, 2), numeric(10, 3), true),
            (numeric(5, 2), numeric(5, 3), false),
            (numeric(5, 2), numeric(5, 1), false),
            (Type::Text, Type::Uuid, false),
        ] {
            assert_eq!(from.widens_to(&to), widens, "{from} to {to}");
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
    }
}
