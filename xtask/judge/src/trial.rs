//! One schema in a database of its own, before each judge.

use std::fs;
use std::path::Path;
use std::process::Command;

use tabellion::testing::Server;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::answers::{self, Finding};
use crate::corpus::Schema;
use crate::tools::Tools;

/// Supabase's roles, which splinter names.
const ROLES: &str = "
create role anon nologin;
create role authenticated nologin;
";

/// What stands in for Supabase's functions.
const AUTH: &str = "
create schema auth;
create function auth.jwt() returns jsonb language sql stable set search_path = ''
  return nullif(current_setting('request.jwt.claims', true), '')::jsonb;
create function auth.uid() returns uuid language sql stable set search_path = ''
  return (auth.jwt() ->> 'sub')::uuid;
grant usage on schema auth to public;
";

/// What the prover proves.
const MODES: [&str; 3] = ["anon", "cross-tenant", "write"];

/// Makes the server's roles.
pub(crate) fn prepare(server: &Server) -> Result<(), String> {
    runtime()?.block_on(async {
        let client = connect(server.admin_url()).await?;
        client.batch_execute(ROLES).await.map_err(in_full)
    })
}

/// Everything that the judges say of a schema.
pub(crate) fn of(schema: &Schema, server: &Server, tools: &Tools) -> Result<Vec<Finding>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("schema.sql");
    let config = folder.path().join("pgrls.toml");
    let columns: Vec<String> = schema.identity.iter().map(|it| format!("{it:?}")).collect();
    let text = format!(
        "[lint.rules.SEC021]\nidentity_columns = [{}]\n",
        columns.join(", ")
    );
    fs::write(&config, text).map_err(|error| error.to_string())?;
    fs::write(&file, &schema.sql).map_err(|error| error.to_string())?;

    let mut said = Vec::new();
    let mut command = Command::new(&tools.squawk);
    command
        .args(["--assume-in-transaction", "--pg-version", "15"])
        .args(["--reporter", "json"])
        .arg(&file);
    let text = output(&mut command)?;
    said.extend(named("squawk", answers::squawk(&text, &schema.sql)?));

    let runtime = runtime()?;
    let database = runtime
        .block_on(server.database())
        .map_err(|error| error.to_string())?;
    let rows = runtime.block_on(splinter(schema, database.url(), &tools.splinter))?;
    said.extend(named("splinter", answers::splinter(&rows)));

    let pgrls = |arguments: &[&str]| {
        let mut command = Command::new(&tools.pgrls);
        command
            .args(arguments)
            .args(["--format", "json", "--database-url", database.url()])
            .arg("--config")
            .arg(&config);
        output(&mut command)
    };
    said.extend(named("pgrls", answers::pgrls_lint(&pgrls(&["lint"])?)?));
    for mode in MODES {
        let text = pgrls(&["verify", "--mode", mode])?;
        let (open, proven) = answers::pgrls_verify(&text, mode)?;
        said.extend(named("pgrls", open));
        if schema.is_proven {
            let wanted = schema.sql.matches(" force row level security;").count();
            if proven != wanted {
                return Err(format!("{proven} of {wanted} tables are PROVEN for {mode}"));
            }
            println!(
                "{}: {proven} of {wanted} tables are PROVEN for {mode}",
                schema.name
            );
        }
    }
    runtime
        .block_on(database.close())
        .map_err(|error| error.to_string())?;
    let findings = said.into_iter().map(|(judge, code, message)| Finding {
        judge,
        code,
        schema: schema.name.clone(),
        message,
    });
    Ok(findings.collect())
}

/// Makes the schema, and asks splinter in a transaction, as its first line wants it.
async fn splinter(
    schema: &Schema,
    url: &str,
    lints: &str,
) -> Result<Vec<SimpleQueryMessage>, String> {
    let client = connect(url).await?;
    if schema.sql.contains("auth.") {
        client.batch_execute(AUTH).await.map_err(in_full)?;
    }
    client.batch_execute(&schema.sql).await.map_err(in_full)?;
    let asked = format!("begin; set local pgrst.db_schemas = 'public'; {lints}; rollback");
    client.simple_query(&asked).await.map_err(in_full)
}

async fn connect(url: &str) -> Result<Client, String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(in_full)?;
    tokio::spawn(connection);
    Ok(client)
}

fn in_full(error: tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.to_string(),
        None => error.to_string(),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn named(
    judge: &'static str,
    said: Vec<(String, String)>,
) -> impl Iterator<Item = (&'static str, String, String)> {
    said.into_iter()
        .map(move |(code, message)| (judge, code, message))
}

/// What a judge prints; findings make it end with 1, which is no failure.
fn output(command: &mut Command) -> Result<String, String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command
        .env("NO_COLOR", "1")
        .output()
        .map_err(|error| format!("`{name}`: {error}"))?;
    match output.status.code() {
        Some(0 | 1) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => Err(format!(
            "`{name}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
