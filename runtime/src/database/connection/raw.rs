//! What raw SQL needs beside what every statement does: it is judged before it is prepared, and its columns are
//! matched with the fields before it runs.

use tabellion_sql::scoped;

use crate::Error;
use crate::database::guise::Guise;
use crate::database::login::Login;
use crate::error::{RawSql, ServerError};
use crate::query::Key;
use crate::scope::NO_ROLE;
use crate::wire::{Prepared, Refused};

/// Whether a statement may be prepared.
pub(super) fn check(key: &Key, guise: &Guise, login: &Login) -> Result<(), Error> {
    let Some(sql) = key.raw() else { return Ok(()) };
    scoped::check(sql).map_err(RawSql::Refused)?;
    match &login.bypass {
        // A scope with a role was refused before.
        Some(why) if guise.role == NO_ROLE => Err(RawSql::Unheld {
            login: login.name.clone(),
            why: why.clone(),
        }
        .into()),
        _ => Ok(()),
    }
}

/// Brings the columns into the order of the fields.
pub(super) fn arrange(key: &Key, names: &[String], statement: &mut Prepared) -> Result<(), Error> {
    let Some(row) = key.row() else { return Ok(()) };
    statement.order = row.order(names, &statement.columns)?;
    if let Some(order) = &statement.order {
        let types = order.iter().filter_map(|at| statement.columns.get(*at));
        statement.columns = types.cloned().collect();
    }
    Ok(())
}

/// There are more parameters than values, or fewer.
#[cold]
pub(super) fn another_number(key: &Key, statement: &Prepared, given: usize) -> Error {
    match key.raw() {
        Some(_) => Error::from(RawSql::Values {
            expected: statement.parameters.len(),
            given,
        }),
        None => Error::Protocol("the statement has another number of parameters than values"),
    }
}

/// A value is none of its parameter's type.
#[cold]
pub(super) fn unfit(refused: Refused) -> Error {
    Error::from(RawSql::Value {
        number: refused.index + 1,
        reason: refused.reason,
    })
}

/// The role may not do what a statement does.
#[cold]
pub(super) fn denied(error: ServerError, role: &str) -> Error {
    Error::from(RawSql::Privilege {
        role: role.to_owned(),
        what: error.denied.unwrap_or_default(),
    })
}
