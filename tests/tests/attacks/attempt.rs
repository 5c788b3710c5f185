//! One statement of an attacker, and what came of it.

use tabellion_sql::schema::Platform;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::support::World;

/// What came of a statement.
#[derive(Debug, PartialEq)]
pub(crate) enum Came {
    /// It read or changed so many rows.
    Rows(u64),
    /// A policy refused a row.
    Policy,
    /// The role has no privilege for it.
    Privilege,
    /// The server refused it with this SQLSTATE.
    Refused(String),
}

/// Runs it as the role, in a transaction with these settings, and commits.
pub(crate) async fn attempt(
    world: &World,
    role: &str,
    settings: &[(&str, &str)],
    sql: &str,
) -> Result<Came, Error> {
    attempt_over(&world.raw, role, settings, sql).await
}

/// The same over any connection.
pub(crate) async fn attempt_over(
    client: &Client,
    role: &str,
    settings: &[(&str, &str)],
    sql: &str,
) -> Result<Came, Error> {
    let mut begin = format!("begin; set local role {role};");
    for (name, value) in settings {
        begin += &format!("select set_config('{name}', '{value}', true);");
    }
    client.batch_execute(&begin).await?;
    let answer = client.simple_query(sql).await;
    let end = if answer.is_ok() { "commit" } else { "rollback" };
    client.batch_execute(end).await?;
    let messages = match answer {
        Ok(messages) => messages,
        Err(error) => return came(error),
    };
    let rows = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
        _ => None,
    });
    Ok(Came::Rows(rows.unwrap_or_default()))
}

fn came(error: Error) -> Result<Came, Error> {
    let Some(refused) = error.as_db_error() else {
        return Err(error);
    };
    let policy = refused.message().contains("row-level security policy");
    Ok(match refused.code().code() {
        "42501" if policy => Came::Policy,
        "42501" => Came::Privilege,
        code => Came::Refused(code.to_owned()),
    })
}

/// What the superuser counts.
pub(crate) async fn truth(world: &World, sql: &str) -> Result<i64, Error> {
    Ok(world.admin.query_one(sql, &[]).await?.get(0))
}

/// The SQL of a source, after some of someone else's.
pub(crate) fn after(preamble: &str, source: &str) -> Result<String, String> {
    Ok(preamble.to_owned() + &crate::common::sql(source, Platform::Postgres)?)
}

/// The codes that the lints of a migration by hand give to a text.
pub(crate) fn lints(sql: &str) -> Vec<&'static str> {
    let schema = tabellion_sql::schema::Schema::default();
    let found = tabellion_sql::lint::pair(("up.sql", sql), ("down.sql", "select 1;"), &schema);
    found.into_iter().map(|finding| finding.rule).collect()
}
