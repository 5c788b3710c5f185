//! The name of a table, its schema included.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ident;

/// A schema and a name within it. Displays as SQL: each part quoted where PostgreSQL needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The PostgreSQL schema, `public` unless said otherwise.
    pub schema: String,
    /// The name within the schema.
    pub name: String,
}

impl QualifiedName {
    /// A name from its two parts, unquoted.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        QualifiedName {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&ident::quote(&self.schema))?;
        f.write_str(".")?;
        f.write_str(&ident::quote(&self.name))
    }
}

impl FromStr for QualifiedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a qualified name; write `schema.name`");
        let (schema, rest) = ident::unquote(text).ok_or_else(wrong)?;
        let rest = rest.strip_prefix('.').ok_or_else(wrong)?;
        let (name, rest) = ident::unquote(rest).ok_or_else(wrong)?;
        if rest.is_empty() {
            Ok(QualifiedName { schema, name })
        } else {
            Err(wrong())
        }
    }
}

// As a string, so that it can be the key of a map in the lock.
impl Serialize for QualifiedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QualifiedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
