//! What is wrong with raw SQL, or with the struct that its rows are read as.

use tabellion_sql::scoped::Refusal;

use super::Bypass;

/// Why raw SQL did not run. Nothing took place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RawSql {
    /// It would leave the scope, or might.
    #[error("raw SQL inside a scope: {0}")]
    Refused(Refusal),

    /// It would run as a login that row-level security does not hold, in no scope.
    #[error(
        "raw SQL outside of a scope runs as login {login}, which {why}; run it in a scope, or connect with a login \
         that row-level security holds"
    )]
    Unheld {
        /// The login, quoted as SQL.
        login: String,
        /// What lets it pass.
        why: Bypass,
    },

    /// The scope's role lacks a privilege. Holds what the server says, which names the object.
    #[error(
        "raw SQL runs as role {role}: {what}; a policy of the table must allow the command, with each column where it \
         names some, which its migration grants"
    )]
    Privilege {
        /// The scope's role, quoted as SQL.
        role: String,
        /// The server's words.
        what: String,
    },

    /// It has another number of parameters than values were given.
    #[error(
        "the raw SQL has {expected} parameters, and {given} values were given; give one for each"
    )]
    Values {
        /// How many it has.
        expected: usize,
        /// How many were given.
        given: usize,
    },

    /// A value cannot be sent as its parameter's type.
    #[error("parameter ${number} of the raw SQL: {reason}")]
    Value {
        /// The parameter, counted from 1.
        number: usize,
        /// What does not fit, in words that hold no value.
        reason: String,
    },

    /// A field has no column.
    #[error("field `{field}` of `{row}` has no column; select it `as {column}`")]
    Missing {
        /// The struct.
        row: String,
        /// The field.
        field: String,
        /// The column that it is read from.
        column: String,
    },

    /// A column has no field.
    #[error(
        "column `{column}` of the raw SQL has no field in `{row}`; add the field, or do not select it"
    )]
    Surplus {
        /// The struct.
        row: String,
        /// The column.
        column: String,
    },

    /// A field has several columns.
    #[error(
        "the raw SQL has several columns `{column}` for one field of `{row}`; give each a name by `as`"
    )]
    Twice {
        /// The struct.
        row: String,
        /// The column.
        column: String,
    },

    /// A tuple has another number of fields than there are columns.
    #[error("the raw SQL has {columns} columns, and the tuple {fields} fields; make them as many")]
    Count {
        /// How many fields there are.
        fields: usize,
        /// How many columns.
        columns: usize,
    },

    /// A column has a type that its field is not read from.
    #[error(
        "column `{column}` of the raw SQL is `{found}`, but field `{field}` of `{row}` is `{rust}`{}; cast the column \
         or change the field", expected.as_deref().map_or(String::new(), |it| format!(", which is read from `{it}`"))
    )]
    Type {
        /// The struct.
        row: String,
        /// The field.
        field: String,
        /// The column.
        column: String,
        /// The field's type.
        rust: String,
        /// The type that it is read from, the first of several.
        expected: Option<String>,
        /// The column's type.
        found: String,
    },
}
