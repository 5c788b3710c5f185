//! The attacker's connection: the application's login, and any SQL at all.

use std::fmt;

use tabellion::Scope;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::Stop;
use crate::tables::Shop;

/// Opens a plain connection, which lives as long as its client.
pub(crate) async fn client(url: &str) -> Result<Client, Stop> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its end is also seen by the client, whose next statement fails.
    tokio::spawn(connection);
    Ok(client)
}

/// As whom a statement runs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Guise<'a> {
    /// The login alone, without the role that the policies name.
    Login,
    /// The role, and no setting.
    Role,
    /// The role, and a setting with its value.
    Setting(&'a str, &'a str),
}

/// How a statement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It saw, or changed, so many rows.
    Rows(u64),
    /// Row-level security refused it.
    Policy,
    /// A privilege is missing.
    Privilege,
    /// Any other error, by its SQLSTATE.
    Error(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Rows(1) => f.write_str("1 row"),
            Outcome::Rows(rows) => write!(f, "{rows} rows"),
            Outcome::Policy => f.write_str("a refusal by a policy"),
            Outcome::Privilege => f.write_str("a missing privilege"),
            Outcome::Error(code) => write!(f, "SQLSTATE {code}"),
        }
    }
}

/// The connection.
pub(crate) struct Raw {
    client: Client,
}

impl Raw {
    pub(crate) async fn connect(url: &str) -> Result<Self, Stop> {
        Ok(Raw {
            client: client(url).await?,
        })
    }

    /// Runs SQL in a transaction of its own, and commits where it can: an attack that succeeds shall
    /// be seen in the tables too.
    pub(crate) async fn attempt(&self, guise: Guise<'_>, sql: &str) -> Result<Outcome, Stop> {
        // A setting may be named like a reserved word, which SET does not take.
        let local = |name: &str, value: &str| {
            format!("select pg_catalog.set_config('{name}', '{value}', true);")
        };
        let taken_on = match guise {
            Guise::Login => String::new(),
            Guise::Role => local("role", Shop::ROLE),
            Guise::Setting(name, value) => local("role", Shop::ROLE) + &local(name, value),
        };
        let whole = format!("begin; {taken_on} {sql}; commit");
        match self.client.simple_query(&whole).await {
            Ok(messages) => Ok(Outcome::Rows(rows(&messages))),
            Err(error) => {
                let outcome = refusal(&error).ok_or(error)?;
                self.client.batch_execute("rollback").await?;
                Ok(outcome)
            }
        }
    }
}

/// The number in the tag of the last command before COMMIT.
fn rows(messages: &[SimpleQueryMessage]) -> u64 {
    let tags = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    tags.collect::<Vec<_>>()
        .iter()
        .nth_back(1)
        .copied()
        .unwrap_or(0)
}

/// What the server refused; `None` where it said nothing, since the connection broke. Refused rows
/// and missing privileges have one SQLSTATE; only the server's function that raised it tells them
/// apart.
fn refusal(error: &tokio_postgres::Error) -> Option<Outcome> {
    let error = error.as_db_error()?;
    Some(match (error.code().code(), error.routine()) {
        ("42501", Some("ExecWithCheckOptions" | "check_enable_rls")) => Outcome::Policy,
        ("42501", _) => Outcome::Privilege,
        (code, _) => Outcome::Error(code.to_owned()),
    })
}
