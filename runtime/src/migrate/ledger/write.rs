//! Writing the ledger: the table, and its rows.

use std::time::Duration;

use tabellion_sql::ident::quote_literal;
use tokio_postgres::Client;

use super::{COLUMNS, Entry, Event, entry, protect, rows};
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
create table tabellion.ledger (
  id bigint primary key,
  -- whoever may only add rows adds none that no version reads; one with more events alters this
  event text not null constraint ledger_known_event check (event in ({events})),
  version text check (version ~ '^[0-9]{14}$'),
  name text,
  checksum text check (checksum ~ '^[0-9a-f]{64}$'),
  rollback_checksum text check (rollback_checksum ~ '^[0-9a-f]{64}$'),
  target text,
  guarded boolean not null default false,
  actor text not null,
  on_behalf_of text,
  note text,
  position int check (position > 0),
  at timestamptz not null,
  duration_ms bigint not null check (duration_ms >= 0),
  tool text not null,
  -- a claim is of the database, every other event of a migration
  check (num_nonnulls(version, name, checksum, rollback_checksum) = case event when 'claimed' then 0 else 4 end)
);
create sequence tabellion.ledger_id_seq owned by tabellion.ledger.id;
comment on table tabellion.ledger is
  'What Tabellion did to this database. Append-only: a migration is in the state that its last event sets.';
{protections}revoke all on schema tabellion from public;
-- default privileges may have granted anything to anyone
do $$
declare
  grantee text;
begin
  for grantee in
    select distinct case x.grantee when 0 then 'public' else pg_catalog.quote_ident(r.rolname) end
    from pg_catalog.pg_class c
    cross join lateral pg_catalog.aclexplode(c.relacl) x
    left join pg_catalog.pg_roles r on r.oid = x.grantee
    where c.oid in ('tabellion.ledger'::pg_catalog.regclass, 'tabellion.ledger_id_seq'::pg_catalog.regclass)
      and x.grantee <> c.relowner
  loop
    execute 'revoke all on table tabellion.ledger from ' || grantee;
    execute 'revoke all on sequence tabellion.ledger_id_seq from ' || grantee;
  end loop;
end
$$;
revoke update, delete, truncate, references, trigger on table tabellion.ledger from current_user;
";

/// Creates the ledger where it is missing. Runs in the transaction that holds the lock.
pub(in crate::migrate) async fn create(client: &Client) -> Result<(), MigrateError> {
    if trust::look(client).await?.ledger {
        return Ok(());
    }
    let events: Vec<String> = Event::ALL
        .iter()
        .map(|(_, name)| quote_literal(name))
        .collect();
    let create = CREATE
        .replace("{events}", &events.join(", "))
        .replace("{protections}", &protect::create());
    let created = client.batch_execute(&format!("{NO_PATH}{create}")).await;
    created.map_err(|error| MigrateError::server("creating the ledger", &error))?;
    // Someone else may have made the schema in between.
    trust::look(client).await.map(drop)
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
            note: None,
            position: None,
            took: Some(Duration::ZERO),
        }
    }

    fn values(&self, who: Who<'_>) -> String {
        let took = match self.took {
            Some(took) => took.as_millis().to_string(),
            None => "greatest(0, extract(epoch from pg_catalog.clock_timestamp() - \
                     pg_catalog.statement_timestamp()) * 1000)::pg_catalog.int8"
                .into(),
        };
        let optional = |text: Option<&str>| text.map_or_else(|| "null".into(), quote_literal);
        let position = self
            .position
            .map_or_else(|| "null".into(), |p| p.to_string());
        let of_migration = |text| optional((self.event != Event::Claimed).then_some(text));
        [
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
            quote_literal(concat!("tabellion ", env!("CARGO_PKG_VERSION"))),
        ]
        .join(", ")
    }
}

/// The statement that enters rows, and gives them back.
pub(in crate::migrate) fn insert(rows: &[Row<'_>], who: Who<'_>) -> String {
    let values: Vec<String> = rows.iter().map(|row| row.values(who)).collect();
    format!(
        "insert into tabellion.ledger (event, version, name, checksum, rollback_checksum, target, \
         guarded, on_behalf_of, note, position, duration_ms, tool) values ({}) returning {COLUMNS}",
        values.join("), (")
    )
}

/// Enters rows, and with them what `beside` says, in a transaction of its own where none is open.
pub(in crate::migrate) async fn enter(
    client: &Client,
    written: &[Row<'_>],
    who: Who<'_>,
    beside: &str,
    opens: bool,
) -> Result<Vec<Entry>, MigrateError> {
    let insert = insert(written, who);
    let message = if opens {
        format!("begin isolation level read committed read write;{NO_PATH}{insert};{beside}commit")
    } else {
        format!("{NO_PATH}{insert};{beside}")
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
    let entries: Vec<Entry> = rows(&messages).map(entry).collect::<Result<_, _>>()?;
    if entries.len() == written.len() {
        Ok(entries)
    } else {
        Err(MigrateError::Server(
            "the server did not confirm the ledger's rows; run `cargo tabellion status` to see what it holds"
                .into(),
        ))
    }
}
