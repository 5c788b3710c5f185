//! Who the connection is logged in as, and whether row-level security would hold it.

use tokio_postgres::config::TargetSessionAttrs;

use super::connection::too_large;
use crate::Error;
use crate::error::{Bypass, ConnectFailure, ConnectFault};
use crate::wire::{Command, Replies, Wire, bind_texts, parse, texts};

/// The oldest server that RLS, as tabellion generates it, was written for.
const OLDEST: u32 = 150_000;

// The questions run under the session's search path, where whoever may create in one of its schemas could lay a
// better match: so whatever they name, operators too, they name in pg_catalog.

/// A table with row-level security that is not forced, and that the role `r` may act as the owner of.
macro_rules! unforced_table_of_r {
    () => {
        "(select pg_catalog.quote_ident(n.nspname) operator(pg_catalog.||) '.'::pg_catalog.text \
         operator(pg_catalog.||) pg_catalog.quote_ident(c.relname) \
         from pg_catalog.pg_class c \
         join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace \
         where c.relrowsecurity and not c.relforcerowsecurity \
         and pg_catalog.pg_has_role(r.oid, c.relowner, 'member') order by 1 limit 1)"
    };
}

const LOGIN_SQL: &str = concat!(
    "select pg_catalog.current_setting('server_version_num'), \
     pg_catalog.current_setting('transaction_read_only'), \
     pg_catalog.pg_backend_pid(), pg_catalog.quote_ident(r.rolname), r.rolsuper, r.rolbypassrls, ",
    unforced_table_of_r!(),
    " from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) session_user"
);

/// Looks at the role `$1` as the login sees it. No row: there is no such role.
const ROLE_SQL: &str = concat!(
    "select r.rolsuper, r.rolbypassrls, ",
    unforced_table_of_r!(),
    ", pg_catalog.pg_has_role(session_user, r.oid, 'member') \
     from pg_catalog.pg_roles r where r.rolname operator(pg_catalog.=) $1::pg_catalog.name"
);

/// The login of a connection.
pub(super) struct Login {
    /// Its name, quoted as SQL.
    pub(super) name: String,
    /// What lets it pass by row-level security, if anything.
    pub(super) bypass: Option<Bypass>,
    /// The server's process that said so.
    pub(super) process: Option<i32>,
}

/// Asks a new connection who it is, in one round trip.
///
/// # Errors
/// [`Error::ServerTooOld`]; [`Error::Connect`] where the server is not of the wanted kind.
pub(super) async fn login(wire: &mut Wire, kind: TargetSessionAttrs) -> Result<Login, Error> {
    encode(wire, LOGIN_SQL, [])?;
    let mut replies = wire.exchange().await?;
    let answer = replies.command()?;
    replies.committed()?;
    let [
        version,
        read_only,
        process,
        name,
        superuser,
        bypassrls,
        unforced,
    ] = columns(&answer)?;
    let version = version.and_then(|text| text.parse().ok()).unwrap_or(0);
    if version < OLDEST {
        return Err(Error::ServerTooOld(version));
    }
    let wrong_kind = match kind {
        TargetSessionAttrs::ReadWrite => read_only == Some("on"),
        TargetSessionAttrs::ReadOnly => read_only == Some("off"),
        _ => false,
    };
    if wrong_kind {
        return Err(ConnectFailure {
            place: "the server".into(),
            fault: ConnectFault::WrongKind,
        }
        .into());
    }
    Ok(Login {
        name: name.unwrap_or_default().to_owned(),
        bypass: bypass(superuser, bypassrls, unforced),
        process: process.and_then(|process| process.parse().ok()),
    })
}

/// Adds the question about a scope's role to the flight in which the role is first used.
pub(super) fn ask_role(wire: &mut Wire, role: &str) -> Result<(), Error> {
    encode(wire, ROLE_SQL, [role])
}

/// Reads its answer. Comes before the answer to the attempt to take the role on, so that the error
/// can say what is missing.
///
/// # Errors
/// [`Error::RoleMissing`], [`Error::RoleNotGranted`] or [`Error::RoleBypasses`].
pub(super) fn answer_role(replies: &mut Replies, role: &str, login: &Login) -> Result<(), Error> {
    let answer = replies.command()?;
    let role = quoted(role);
    if answer.rows.is_empty() {
        return Err(Error::RoleMissing { role });
    }
    let [superuser, bypassrls, unforced, member] = columns(&answer)?;
    if let Some(why) = bypass(superuser, bypassrls, unforced) {
        return Err(Error::RoleBypasses { role, why });
    }
    if member != Some("t") {
        return Err(Error::RoleNotGranted {
            login: login.name.clone(),
            role,
        });
    }
    Ok(())
}

/// A role's name as SQL. Quoted always, so that it stands out in a sentence.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn bypass(
    superuser: Option<&str>,
    bypassrls: Option<&str>,
    unforced: Option<&str>,
) -> Option<Bypass> {
    match (superuser, bypassrls, unforced) {
        (Some("f"), Some("f"), None) => None,
        (Some("f"), Some("f"), Some(table)) => Some(Bypass::Owner(table.to_owned())),
        (Some("f"), ..) => Some(Bypass::BypassRls),
        _ => Some(Bypass::Superuser),
    }
}

fn encode<const N: usize>(wire: &mut Wire, sql: &str, values: [&str; N]) -> Result<(), Error> {
    parse(&mut wire.outgoing, "", sql, false)
        .and_then(|()| bind_texts(&mut wire.outgoing, "", values))
        .map_err(too_large)
}

/// The texts of the only row.
fn columns<const N: usize>(answer: &Command) -> Result<[Option<&str>; N], Error> {
    let row = answer.rows.first().and_then(texts);
    row.ok_or(Error::Protocol("the catalog did not say who the login is"))
}
