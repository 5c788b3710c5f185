//! The name of a table: with its schema, or as an expression has it.

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

/// A table as an expression names it: SQL may leave the PostgreSQL schema to the search path. Displays as SQL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The PostgreSQL schema, where it is written.
    pub schema: Option<String>,
    /// The name within the schema.
    pub name: String,
}

impl TableName {
    /// Whether that table may be meant: which one a search path leads to nobody knows here.
    pub fn may_be(&self, table: &QualifiedName) -> bool {
        self.name == table.name
            && (self.schema.as_ref()).is_none_or(|schema| *schema == table.schema)
    }

    /// Whether it names that table, with its PostgreSQL schema.
    pub fn is(&self, table: &QualifiedName) -> bool {
        self.schema.is_some() && self.may_be(table)
    }
}

impl From<QualifiedName> for TableName {
    fn from(table: QualifiedName) -> Self {
        TableName {
            schema: Some(table.schema),
            name: table.name,
        }
    }
}

impl From<&QualifiedName> for TableName {
    fn from(table: &QualifiedName) -> Self {
        table.clone().into()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            f.write_str(&ident::quote(schema))?;
            f.write_str(".")?;
        }
        f.write_str(&ident::quote(&self.name))
    }
}

impl FromStr for TableName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(name) = text.parse::<QualifiedName>() {
            return Ok(name.into());
        }
        match ident::unquote(text) {
            Some((name, "")) => Ok(TableName { schema: None, name }),
            _ => Err(format!(
                "`{text}` is not the name of a table; write `name` or `schema.name`, in double quotes where \
                 PostgreSQL needs them"
            )),
        }
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_from_its_text() {
        for schema in [
            None,
            Some("public"),
            Some("Own"),
            Some("a.b"),
            Some("select"),
        ] {
            for name in [
                "notes",
                "user",
                "Banned",
                "odd.name",
                "odd\"name",
                "\u{e9}t\u{e9}",
            ] {
                let table = TableName {
                    schema: schema.map(str::to_owned),
                    name: name.to_owned(),
                };
                assert_eq!(table.to_string().parse(), Ok(table));
            }
        }
    }
}
