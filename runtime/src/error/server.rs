//! An error that the server reported, stripped of everything that could quote a value.

use std::fmt;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorResponseBody;

use super::excess::Excess;
use super::{Error, Timeout};
use crate::query::TableInfo;

/// The parts of PostgreSQL's error that hold names and codes only.
///
/// DETAIL, HINT, CONTEXT and the message itself are dropped, since they quote row values
/// (<https://www.postgresql.org/docs/current/protocol-error-fields.html>). The message stays for the
/// few conditions that say which object is missing or what is wrong with the statement's text, if they point into
/// the statement itself: one that a trigger raised may have been made from a row's value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The table, where the server names one.
    pub table: Option<String>,
    /// The column, where the server names one.
    pub column: Option<String>,
    /// The constraint, where the server names one.
    pub constraint: Option<String>,
    /// Which object of the statement is missing, or what is wrong with its text, for the conditions that say only
    /// that.
    pub missing: Option<String>,
    /// What the role may not do, in the server's words, which name the object.
    pub(crate) denied: Option<String>,
    /// The server's function that raised the error; tells a refused row from a missing privilege.
    pub(crate) routine: String,
    /// That a value is too large for its column or an index, where the statement itself wrote it.
    excess: Option<Excess>,
    /// A function or trigger of the database was running.
    in_function: bool,
    /// The parameter, counted from 0, whose bytes are none of its type.
    pub(crate) parameter: Option<usize>,
}

impl ServerError {
    /// Reads the fields of an ErrorResponse. Bytes that do not parse leave fields out.
    pub(crate) fn read(body: &ErrorResponseBody) -> Self {
        let mut error = ServerError::default();
        let (mut message, mut detail) = (None, None);
        let mut in_statement = false;
        let mut fields = body.fields();
        while let Ok(Some(field)) = fields.next() {
            let text = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'C' => error.code = text,
                b'M' => message = Some(text),
                b'D' => detail = Some(text),
                b'P' => in_statement = true,
                b'p' | b'q' => error.in_function = true,
                b'W' => {
                    error.in_function = true;
                    error.parameter = parameter(&text);
                }
                b't' => error.table = Some(text),
                b'c' => error.column = Some(text),
                b'n' => error.constraint = Some(text),
                b'R' => error.routine = text,
                _ => {}
            }
        }
        if error.in_function {
            return error;
        }
        // They name an object and nothing else, and the last two have its name in no field.
        if error.code == "42501" {
            match error.routine.as_str() {
                "aclcheck_error" => error.denied = message.clone(),
                "ExecWithCheckOptions" | "check_enable_rls" if error.table.is_none() => {
                    let quoted = message.as_deref().and_then(|it| it.rsplit('"').nth(1));
                    error.table = quoted.map(str::to_owned);
                }
                _ => {}
            }
        }
        // undefined_table, undefined_column, undefined_function, undefined_object,
        // invalid_schema_name: while the statement is parsed, which is when the server knows the
        // position in it, their messages name an object of the statement, never a value.
        let undefined = matches!(
            error.code.as_str(),
            "42P01" | "42703" | "42883" | "42704" | "3F000"
        );
        // Of a parameter that nothing gives a type it has no position.
        let untyped = error.code == "42P18";
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        error.excess = Excess::read(&error.code, &error.routine, &text(&message), &text(&detail));
        if (undefined || error.is_of_statement()) && (in_statement || untyped) {
            error.missing = message;
        }
        error
    }

    /// Whether it is what the server says of a statement's own text, which holds no value: syntax_error,
    /// ambiguous_column, ambiguous_function, ambiguous_parameter, indeterminate_datatype, datatype_mismatch,
    /// grouping_error, cannot_coerce, undefined_parameter, invalid_column_reference.
    fn is_of_statement(&self) -> bool {
        matches!(
            self.code.as_str(),
            "42601"
                | "42702"
                | "42725"
                | "42P08"
                | "42P18"
                | "42804"
                | "42803"
                | "42846"
                | "42P02"
                | "42P10"
        )
    }

    /// Whether the statement was prepared against a table that has changed since. The server looks
    /// at this before it runs anything.
    pub(crate) fn is_stale_statement(&self) -> bool {
        self.code == "0A000" && self.routine == "RevalidateCachedQuery"
    }

    /// Whether the server's session is not the one that knows this connection's statements:
    /// invalid_sql_statement_name, duplicate_prepared_statement. It says so before it runs anything, so that what a
    /// function or trigger says is something else. A pooler that says it itself has no routines.
    pub(crate) fn is_foreign_statement(&self) -> bool {
        let is_own = match self.code.as_str() {
            "26000" => matches!(
                self.routine.as_str(),
                "" | "FetchPreparedStatement"
                    | "exec_bind_message"
                    | "exec_describe_statement_message"
            ),
            "42P05" => matches!(self.routine.as_str(), "" | "StorePreparedStatement"),
            _ => false,
        };
        is_own && !self.in_function
    }

    /// Whether the server ended the session because it waited, or its transaction took, too long.
    pub(crate) fn is_of_idleness(&self) -> bool {
        matches!(self.code.as_str(), "25P03" | "25P04" | "57P05")
    }

    /// Whether a parameter's bytes are none of its type: the server was reading one, whatever it found there, or it
    /// is a data exception, or a message that ends early.
    pub(crate) fn is_bad_parameter(&self) -> bool {
        self.parameter.is_some() || self.code.starts_with("22") || self.code == "08P01"
    }

    /// The typed case for an error of a statement on `table`, run as `role`. `info` is what the program knows of the
    /// table, where the statement is about one.
    pub(crate) fn classify(
        self,
        table: &str,
        info: Option<&TableInfo>,
        role: &str,
        operation: &'static str,
    ) -> Error {
        let named = |name: &Option<String>| name.clone().unwrap_or_default();
        let on = self.table.clone().unwrap_or_else(|| table.to_owned());
        let fields = || match (info, &self.constraint) {
            (Some(info), Some(constraint)) => info.fields_of(&on, constraint),
            _ => &[],
        };
        if let Some(excess) = self.excess.as_ref().filter(|_| operation != "raw SQL") {
            return excess.of(on, self.constraint.as_deref(), info);
        }
        match self.code.as_str() {
            "23505" => Error::Unique {
                fields: fields(),
                table: on,
                constraint: named(&self.constraint),
            },
            "23503" => Error::ForeignKey {
                fields: fields(),
                table: on,
                constraint: named(&self.constraint),
            },
            "23514" => Error::Check {
                fields: fields(),
                table: on,
                constraint: named(&self.constraint),
            },
            "23P01" => Error::Exclusion {
                fields: fields(),
                table: on,
                constraint: named(&self.constraint),
            },
            "23502" => Error::NotNull {
                table: on,
                column: named(&self.column),
            },
            // Both come as insufficient_privilege; only the raising function tells them apart in
            // every language that the server may speak.
            "42501" if self.routine == "ExecWithCheckOptions" => Error::RowRefused { table: on },
            "42501" if self.routine == "aclcheck_error" => Error::Privilege {
                table: on,
                role: role.to_owned(),
                operation,
            },
            _ if self.is_foreign_statement() => Error::TransactionPooler,
            _ if self.is_stale_statement() => Error::StaleStatement,
            "40001" | "40P01" => Error::Serialization(self.code),
            "57014" => Error::Timeout(Timeout::Statement),
            "55P03" => Error::Timeout(Timeout::Lock),
            _ => Error::Server(Box::new(self)),
        }
    }

    fn condition(&self) -> &'static str {
        match self.code.as_str() {
            "22003" => "a number is out of its type's range",
            "22001" => "a text is longer than its column allows",
            "22008" => "a date or a time is out of its type's range",
            "22P02" | "22007" => "a text does not read as its column's type",
            "54000" => "a value is too large for the server, or for an index",
            "22021" | "22P05" => "a text holds a character that the database cannot store",
            "3F000" => "a schema does not exist; apply the migrations",
            "42501" if self.routine == "check_enable_rls" => {
                "`row_security` is off, so that the server refuses what a policy filters; `alter role ... reset \
                 row_security` for the login, or take it out of the URL's options"
            }
            "42501" => "the role lacks a privilege",
            "42703" => "a column does not exist; apply the migrations",
            "42704" => "a type or another object does not exist; apply the migrations",
            "42883" => "a function or operator does not exist; apply the migrations",
            "42P01" => "a table or view does not exist; apply the migrations",
            "53100" => "the disk is full",
            "53200" => "the server is out of memory",
            "53300" => "too many connections",
            "25006" => "the transaction, or the server, is read-only",
            "57P01" | "57P02" => "the server is shutting down",
            "57P03" => "the server is starting up",
            "P0001" => "a function or trigger raised an error",
            code => match code.get(..2) {
                Some("22") => "a value does not fit",
                Some("23") => "a constraint is violated",
                Some("42") => "the statement does not fit the schema; apply the migrations",
                Some("53") => "the server is out of resources",
                Some("57") => "an operator intervened",
                _ => "the server reported an error",
            },
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.missing {
            Some(said) if self.is_of_statement() => write!(f, "{said}; correct the SQL")?,
            Some(missing) => write!(f, "{missing}; apply the migrations")?,
            None => f.write_str(self.condition())?,
        }
        write!(f, " (SQLSTATE {}", self.code)?;
        let named = [
            ("table", &self.table),
            ("column", &self.column),
            ("constraint", &self.constraint),
        ];
        for (what, name) in named {
            if let Some(name) = name {
                write!(f, ", {what} `{name}`")?;
            }
        }
        f.write_str(")")
    }
}

impl std::error::Error for ServerError {}

/// The parameter, counted from 0, in whose value an error lies: a CONTEXT ends with "unnamed portal parameter $2", or
/// the like in another language, while the server reads one. Nothing else of it is read.
fn parameter(context: &str) -> Option<usize> {
    let (_, number) = context.rsplit_once(" $")?;
    let number: usize = number.parse().ok()?;
    number.checked_sub(1)
}
