//! Rows that a write returned: where one cannot be read the error says that the write stands all the same.

use crate::Error;
use crate::database::Guise;
use crate::error::Written;
use crate::row::{Row, Rows};

/// The rows of a write that was committed, unless it is part of a transaction.
pub(super) fn returned<T>(
    guise: &Guise,
    rows: &Rows,
    decode: fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    read(guise, rows, decode, Written::Yes)
}

/// The same of what wrote or did not.
pub(super) fn read<T>(
    guise: &Guise,
    rows: &Rows,
    decode: fn(&Row<'_>) -> Result<T, Error>,
    written: Written,
) -> Result<Vec<T>, Error> {
    rows.decode(decode).map_err(|error| match guise.pinned() {
        None => error.behind_write(written),
        Some(_) => error,
    })
}

/// The first of them.
pub(super) fn first_returned<T>(
    guise: &Guise,
    rows: &Rows,
    decode: fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    Ok(returned(guise, rows, decode)?.into_iter().next())
}

/// What raw SQL whose rows cannot be read has done. What a function does that it calls nobody can tell.
pub(super) fn of(sql: &str) -> Written {
    match (has_write(sql), sql.contains('(')) {
        (true, _) => Written::Yes,
        (false, true) => Written::Unknown,
        (false, false) => Written::No,
    }
}

/// Whether it has the word for a write in it.
fn has_write(sql: &str) -> bool {
    let words = sql.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let is_write = |word: &str| {
        let verbs = ["insert", "update", "delete", "merge"];
        verbs.iter().any(|verb| word.eq_ignore_ascii_case(verb))
    };
    words.into_iter().any(is_write)
}
