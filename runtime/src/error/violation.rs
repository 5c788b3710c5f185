//! What a violated constraint is about.

use super::Error;

impl Error {
    /// The constraint or unique index that a row violates.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Error::Unique { constraint, .. }
            | Error::ForeignKey { constraint, .. }
            | Error::Check { constraint, .. }
            | Error::Exclusion { constraint, .. } => Some(constraint),
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

/// Of which fields, as the end of a message.
pub(super) fn of(fields: &[&str]) -> String {
    match fields {
        [] => String::new(),
        [one] => format!(" by field `{one}`"),
        several => format!(" by fields `{}`", several.join("`, `")),
    }
}
