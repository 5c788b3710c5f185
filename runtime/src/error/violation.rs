//! What a violated constraint is about.

use super::Error;

impl Error {
    /// The constraint or unique index that a row violates; none where a function or trigger says so and names none.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Error::Unique { constraint, .. }
            | Error::ForeignKey { constraint, .. }
            | Error::Check { constraint, .. }
            | Error::Exclusion { constraint, .. } => {
                Some(constraint.as_str()).filter(|name| !name.is_empty())
            }
            _ => None,
        }
    }

    /// The table whose constraint a row violates, or whose column has no value.
    pub fn violated_table(&self) -> Option<&str> {
        match self {
            Error::Unique { table, .. }
            | Error::ForeignKey { table, .. }
            | Error::Check { table, .. }
            | Error::Exclusion { table, .. }
            | Error::NotNull { table, .. } => Some(table),
            _ => None,
        }
    }

    /// The fields of the struct that the violated constraint is about, by their names: where a form shows the error.
    /// None where the constraint is none of the struct's, as that of another table is.
    pub fn fields(&self) -> &'static [&'static str] {
        match self {
            Error::Unique { fields, .. }
            | Error::ForeignKey { fields, .. }
            | Error::Check { fields, .. }
            | Error::Exclusion { fields, .. } => fields,
            _ => &[],
        }
    }
}

/// What is violated, by its name where it has one.
pub(super) fn named(article: &str, kind: &str, name: &str, table: &str) -> String {
    let of = match table {
        "" => String::new(),
        table => format!(" of `{table}`"),
    };
    match name {
        "" => format!("{article} {kind}{of}"),
        name => format!("{kind} `{name}`{of}"),
    }
}

/// Of which fields, or who says so, as the end of a message.
pub(super) fn of(name: &str, fields: &[&str]) -> String {
    match fields {
        [] if name.is_empty() => ", a function or trigger of the database says so".to_owned(),
        [] => String::new(),
        [one] => format!(" by field `{one}`"),
        several => format!(" by fields `{}`", several.join("`, `")),
    }
}
