//! The messages that a flight is made of.

use std::io;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::RowDescriptionBody;
use postgres_protocol::message::frontend::{self, BindError};
use postgres_protocol::types::array_from_sql;
use tokio_postgres::types::{IsNull, Kind, Oid, ToSql, Type};

/// A statement that the server has parsed, on one connection.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Its name on this connection.
    pub(crate) name: String,
    /// The types of its parameters.
    pub(crate) parameters: Vec<Type>,
    /// The types of its columns, in the order in which they are read.
    pub(crate) columns: Vec<Type>,
    /// Where the server has each of the columns that are read; none where it has the same order.
    pub(crate) order: Option<Vec<usize>>,
    /// What it takes to parse it with each flight; none where it is kept under its name.
    pub(crate) unnamed: Option<Unnamed>,
}

/// A statement that the server does not keep.
#[derive(Debug)]
pub(crate) struct Unnamed {
    /// Its text.
    pub(crate) sql: String,
    /// The types of its parameters, as the server named them when they were learnt.
    pub(crate) parameters: Vec<Oid>,
    /// The types of its columns, which an answer is compared with.
    pub(crate) columns: Vec<Oid>,
    /// The names of its columns, where they are read by name.
    pub(crate) names: Option<Vec<String>>,
}

impl Unnamed {
    /// Whether an answer's columns are still these.
    pub(crate) fn is_as_learnt(&self, described: &RowDescriptionBody) -> bool {
        let mut fields = described.fields();
        for (place, oid) in self.columns.iter().enumerate() {
            let Ok(Some(field)) = fields.next() else {
                return false;
            };
            let name = self.names.as_ref().map(|names| names.get(place));
            let is_named = name.is_none_or(|name| name.is_some_and(|it| it == field.name()));
            if field.type_oid() != *oid || !is_named {
                return false;
            }
        }
        matches!(fields.next(), Ok(None))
    }
}

/// A parameter that cannot be encoded.
pub(crate) struct Refused {
    /// Which one, from 0.
    pub(crate) index: usize,
    /// Why, in words that hold no value.
    pub(crate) reason: String,
}

/// Parse under `name`, and Describe where the types are not known beforehand.
pub(crate) fn parse(out: &mut BytesMut, name: &str, sql: &str, describe: bool) -> io::Result<()> {
    frontend::parse(name, sql, [], out)?;
    if describe {
        frontend::describe(b'S', name, out)?;
    }
    Ok(())
}

/// Parse under no name, with parameters of these types.
pub(crate) fn parse_typed(out: &mut BytesMut, sql: &str, types: &[Oid]) -> io::Result<()> {
    frontend::parse("", sql, types.iter().copied(), out)
}

/// A statement without parameters and rows, parsed, bound and executed.
pub(crate) fn execute_text(out: &mut BytesMut, sql: &str) -> io::Result<()> {
    frontend::parse("", sql, [], out)?;
    bind_texts(out, "", [])
}

/// Close of a prepared statement.
pub(crate) fn close(out: &mut BytesMut, name: &str) -> io::Result<()> {
    frontend::close(b'S', name, out)
}

/// Bind and Execute with text parameters, for text results.
pub(crate) fn bind_texts<'a>(
    out: &mut BytesMut,
    name: &str,
    values: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    let write = |value: &str, out: &mut BytesMut| {
        out.extend_from_slice(value.as_bytes());
        Ok(postgres_protocol::IsNull::No)
    };
    match frontend::bind("", name, [], values, write, [], out) {
        Ok(()) => frontend::execute("", 0, out),
        Err(BindError::Serialization(error)) => Err(error),
        Err(BindError::Conversion(_)) => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Bind and Execute of a prepared statement, every parameter encoded for the type that the server
/// gave it. Results come in binary.
///
/// # Errors
/// The first parameter that cannot be encoded. `out` then holds a part of the message: the caller
/// throws it away.
pub(crate) fn bind(
    out: &mut BytesMut,
    statement: &Prepared,
    values: &[Box<dyn ToSql + Send + Sync>],
) -> Result<(), Refused> {
    let typed = || values.iter().zip(&statement.parameters);
    let formats = typed().map(|(value, ty)| value.encode_format(ty) as i16);
    let mut current = 0;
    let bound = frontend::bind(
        "",
        &statement.name,
        formats,
        typed().enumerate(),
        |(index, (value, ty)), out| {
            current = index;
            encode(value.as_ref(), ty, out)
        },
        Some(1),
        out,
    );
    let bound = match bound {
        Ok(()) => match statement.unnamed {
            // What the columns are now, which nobody else would notice.
            Some(_) => frontend::describe(b'P', "", out),
            None => Ok(()),
        }
        .and_then(|()| frontend::execute("", 0, out))
        .map_err(|_| TOO_LARGE.to_owned()),
        Err(BindError::Conversion(error)) => Err(reason(error.as_ref())),
        Err(BindError::Serialization(_)) => Err(TOO_LARGE.to_owned()),
    };
    bound.map_err(|reason| Refused {
        index: current,
        reason,
    })
}

const TOO_LARGE: &str = "the value is too large for one message";

/// What the server would refuse of a value's binary form, without a word of where it stood.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the text holds a NUL character, which PostgreSQL cannot store; remove it")]
    Nul,
    #[error("the JSON holds a NUL character, which PostgreSQL cannot store; remove it")]
    JsonNul,
    #[error(
        "the point in time lies outside of what PostgreSQL stores, which begins with 4713 BC; give another"
    )]
    Time,
}

type EncodeError = Box<dyn std::error::Error + Send + Sync>;

/// A value in the binary form of its type, of which the server refuses nothing.
pub(crate) fn encode(
    value: &(dyn ToSql + Send + Sync),
    ty: &Type,
    out: &mut BytesMut,
) -> Result<postgres_protocol::IsNull, EncodeError> {
    let start = out.len();
    Ok(match value.to_sql_checked(ty, out)? {
        IsNull::Yes => postgres_protocol::IsNull::Yes,
        IsNull::No => {
            check(ty, &out[start..])?;
            postgres_protocol::IsNull::No
        }
    })
}

/// The same for an element of an array, which is looked at as a part of that.
pub(crate) fn encode_element(
    value: &(dyn ToSql + Send + Sync),
    ty: &Type,
    out: &mut BytesMut,
) -> Result<postgres_protocol::IsNull, EncodeError> {
    Ok(match value.to_sql_checked(ty, out)? {
        IsNull::Yes => postgres_protocol::IsNull::Yes,
        IsNull::No => postgres_protocol::IsNull::No,
    })
}

/// Whether the server takes a value's binary form.
fn check(ty: &Type, bytes: &[u8]) -> Result<(), EncodeError> {
    if let Kind::Array(element) = ty.kind() {
        if is_text(element) || is_time(element) || *element == Type::JSONB {
            let mut elements = array_from_sql(bytes)?.values();
            while let Some(value) = elements.next()? {
                check(element, value.unwrap_or_default())?;
            }
        }
    } else if is_text(ty) && bytes.contains(&0) {
        return Err(Box::new(Unfit::Nul));
    } else if *ty == Type::JSONB && has_escaped_nul(bytes) {
        return Err(Box::new(Unfit::JsonNul));
    } else if is_time(ty) && !is_storable(bytes) {
        return Err(Box::new(Unfit::Time));
    }
    Ok(())
}

/// Whether JSON holds the escape of a NUL, which `json` keeps as it is written and `jsonb` refuses
/// (<https://www.postgresql.org/docs/15/datatype-json.html>).
fn has_escaped_nul(json: &[u8]) -> bool {
    let mut rest = json.iter();
    while rest.any(|byte| *byte == b'\\') {
        if rest.as_slice().starts_with(b"u0000") {
            return true;
        }
        rest.next(); // what is escaped, a backslash too
    }
    false
}

fn is_time(ty: &Type) -> bool {
    matches!(*ty, Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE)
}

/// Whether a point in time, in microseconds or days from 2000 on, is within PostgreSQL's range or one of its infinities
/// (<https://www.postgresql.org/docs/15/datatype-datetime.html>).
fn is_storable(bytes: &[u8]) -> bool {
    if let Ok(bytes) = bytes.try_into() {
        let at = i64::from_be_bytes(bytes);
        at == i64::MIN || at == i64::MAX || (FIRST_MICROSECOND..END_MICROSECOND).contains(&at)
    } else if let Ok(bytes) = bytes.try_into() {
        let at = i32::from_be_bytes(bytes);
        at == i32::MIN || at == i32::MAX || (FIRST_DAY..END_DAY).contains(&at)
    } else {
        true // an element that is NULL
    }
}

/// 24 November 4714 BC, where Julian days begin, and the first of 294277 and of 5874898.
const FIRST_MICROSECOND: i64 = -211_813_488_000_000_000;
const END_MICROSECOND: i64 = 9_223_371_331_200_000_000;
const FIRST_DAY: i32 = -2_451_545;
const END_DAY: i32 = 2_145_031_949;

/// Types whose binary form is their text.
fn is_text(ty: &Type) -> bool {
    matches!(
        *ty,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON
    ) || matches!(ty.kind(), Kind::Enum(_))
        || ty.name() == "citext"
}

/// Only these errors are known to hold no value.
fn reason(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    if error.is::<Unfit>() || error.is::<tokio_postgres::types::WrongType>() {
        error.to_string()
    } else {
        "the value does not fit the column's type".to_owned()
    }
}
