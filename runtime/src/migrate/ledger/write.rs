//! Writing the ledger: the table, and its rows.

use std::time::Duration;

use tabellion_sql::ident::quote_literal;
use tokio_postgres::{Client, SimpleQueryRow};

use super::routines::ENTER;
use super::{Entry, Event, form, protect, rows, seen};
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::set::Migration;
use crate::migrate::trust;

/// Creates the schema and the table. Runs under the lock, in its transaction.
///
/// The owner keeps the power to undo the protection, so whoever must not should apply with a login
/// that does not own the ledger. It gives up the right to make triggers last.
const CREATE: &str = "
create schema if not exists tabellion;
{table}comment on table tabellion.ledger is
  'What Tabellion did to this database. Append-only: a migration is in the state that its last event sets.';
{protections}-- default privileges may have granted anything to anyone
do $$
declare
  grantee text;
begin
  for grantee in
    select distinct case x.grantee when 0 then 'public' else pg_catalog.quote_ident(r.rolname) end
    from (
      select c.relacl, c.relowner from pg_catalog.pg_class c
      where c.oid in ('tabellion.ledger'::pg_catalog.regclass, 'tabellion.ledger_id_seq'::pg_catalog.regclass)
      union all
      select n.nspacl, n.nspowner from pg_catalog.pg_namespace n where n.nspname = 'tabellion'
    ) made (acl, owner)
    cross join lateral pg_catalog.aclexplode(made.acl) x
    left join pg_catalog.pg_roles r on r.oid = x.grantee
    where x.grantee <> made.owner
  loop
    execute 'revoke all on schema tabellion from ' || grantee;
    execute 'revoke all on table tabellion.ledger from ' || grantee;
    execute 'revoke all on sequence tabellion.ledger_id_seq from ' || grantee;
  end loop;
end
$$;
revoke update, delete, truncate, references, trigger on table tabellion.ledger from current_user;
";

/// Creates the ledger where it is missing. Runs in the transaction that holds the lock.
pub(in crate::migrate) async fn create(client: &Client) -> Result<(), MigrateError> {
    let found = trust::look(client).await?;
    found.writable()?;
    if found.ledger {
        return Ok(());
    }
    let create = CREATE
        .replace("{table}", &form::create())
        .replace("{protections}", &protect::create());
    let created = client.batch_execute(&format!("{NO_PATH}{create}")).await;
    created.map_err(|error| MigrateError::server("creating the ledger", &error))?;
    // Someone else may have made the schema in between.
    trust::look(client).await?.writable()
}

/// For whom, and on which target, rows are written.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::migrate) struct Who<'a> {
    pub(in crate::migrate) target: Option<&'a str>,
    /// Whether that target asks for approvals.
    pub(in crate::migrate) guarded: bool,
    pub(in crate::migrate) on_behalf_of: Option<&'a str>,
}

/// A row to write.
#[derive(Debug, Clone, Copy)]
pub(in crate::migrate) struct Row<'a> {
    pub(in crate::migrate) event: Event,
    pub(in crate::migrate) version: &'a str,
    pub(in crate::migrate) name: &'a str,
    /// Of the file that applies it, and of the one that undoes it.
    pub(in crate::migrate) checksums: (&'a str, &'a str),
    /// Where it says that this migration is applied, and all before it are: that of its link in the lock's chain.
    pub(in crate::migrate) link: Option<&'a str>,
    pub(in crate::migrate) note: Option<&'a str>,
    pub(in crate::migrate) position: Option<usize>,
    /// Where no time is given, the row stands at the end of the message that runs a file, so that the time
    /// since the message arrived is the time that the file took.
    pub(in crate::migrate) took: Option<Duration>,
}

impl<'a> Row<'a> {
    /// A row about the database, and no migration.
    pub(in crate::migrate) fn claim(reason: &'a str) -> Self {
        Row {
            event: Event::Claimed,
            version: "",
            name: "",
            checksums: ("", ""),
            link: None,
            note: Some(reason),
            position: None,
            took: Some(Duration::ZERO),
        }
    }

    pub(in crate::migrate) fn of(event: Event, migration: &'a Migration) -> Self {
        Row {
            event,
            version: &migration.version,
            name: &migration.name,
            checksums: (&migration.checksum, &migration.rollback_checksum),
            link: matches!(event, Event::Applied | Event::Adopted).then_some(&migration.link),
            note: None,
            position: None,
            took: Some(Duration::ZERO),
        }
    }

    /// The statement that enters it, whatever the search path, and gives one row for [`Draft::entry`].
    pub(in crate::migrate) fn insert(&self, who: Who<'_>) -> String {
        let took = match self.took {
            Some(took) => took.as_millis().to_string(),
            None => "null".into(),
        };
        let optional = |text: Option<&str>| text.map_or_else(|| "null".into(), quote_literal);
        let position = self
            .position
            .map_or_else(|| "null".into(), |p| p.to_string());
        let of_migration = |text| optional((self.event != Event::Claimed).then_some(text));
        let values = [
            quote_literal(self.event.as_str()),
            of_migration(self.version),
            of_migration(self.name),
            of_migration(self.checksums.0),
            of_migration(self.checksums.1),
            optional(who.target),
            who.guarded.to_string(),
            optional(who.on_behalf_of),
            optional(self.note),
            position,
            took,
            quote_literal(TOOL),
            optional(self.link),
        ];
        ENTER.call(&values.each_ref().map(String::as_str))
    }

    /// What will be known of it once it is entered.
    pub(in crate::migrate) fn draft(&self, who: Who<'_>) -> Draft {
        let some = |text: Option<&str>| text.map(seen);
        Draft(Entry {
            id: 0,
            event: self.event,
            version: self.version.to_owned(),
            name: seen(self.name),
            checksum: self.checksums.0.to_owned(),
            rollback_checksum: self.checksums.1.to_owned(),
            target: some(who.target),
            guarded: who.guarded,
            actor: String::new(),
            on_behalf_of: some(who.on_behalf_of),
            note: some(self.note),
            position: self.position,
            at: String::new(),
            duration_ms: 0,
            tool: TOOL.to_owned(),
        })
    }
}

const TOOL: &str = concat!("tabellion ", env!("CARGO_PKG_VERSION"));

/// A row that is sent: what the client knows of it.
#[derive(Debug)]
pub(in crate::migrate) struct Draft(Entry);

impl Draft {
    /// The row as it was entered: with what the server has said of it, a blank apart. `None` where that is something
    /// else.
    pub(in crate::migrate) fn entry(self, row: &SimpleQueryRow) -> Option<Entry> {
        let mut said = row.get(0)?.splitn(5, ' ');
        let (id, took) = (said.next()?.parse().ok()?, said.next()?.parse().ok()?);
        let (day, time, actor) = (said.next()?, said.next()?, said.next()?);
        Some(Entry {
            id,
            actor: seen(actor),
            at: format!("{day} {time}"),
            duration_ms: took,
            ..self.0
        })
    }
}

/// Enters rows, and with them what `beside` says, in a transaction of its own where none is open.
pub(in crate::migrate) async fn enter(
    client: &Client,
    written: &[Row<'_>],
    who: Who<'_>,
    beside: &str,
    opens: bool,
) -> Result<Vec<Entry>, MigrateError> {
    let inserts: String = written.iter().map(|row| row.insert(who)).collect();
    let message = if opens {
        format!("begin isolation level read committed read write;{NO_PATH}{inserts}{beside}commit")
    } else {
        format!("{NO_PATH}{inserts}{beside}")
    };
    let messages = match client.simple_query(&message).await {
        Ok(messages) => messages,
        Err(error) => {
            if opens {
                let _ = client.batch_execute("rollback").await;
            }
            return Err(MigrateError::server("writing the ledger", &error));
        }
    };
    let entries: Option<Vec<Entry>> = rows(&messages)
        .zip(written)
        .map(|(said, row)| row.draft(who).entry(said))
        .collect();
    match entries {
        Some(entries) if entries.len() == written.len() => Ok(entries),
        _ => Err(MigrateError::Server(
            "the server did not confirm the ledger's rows; run `cargo tabellion status` to see what it holds"
                .into(),
        )),
    }
}
