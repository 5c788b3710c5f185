//! The ledger: what was done to this database, when and by whom. Rows are added, never changed.
//!
//! It lies in the database that it tells about, in schema `tabellion`. The state of a migration is
//! its last event. No value of any user's row is ever written here.

use std::collections::BTreeMap;
use std::time::Duration;

use tabellion_sql::ident::quote_literal;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::error::{MigrateError, Problems};
use super::set::{Migration, Migrations};
use super::trust;

/// What happened to a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Its file ran, and committed.
    Applied,
    /// Its rollback ran, and committed.
    RolledBack,
    /// A file that runs outside a transaction began. Where nothing follows, it was cut short.
    Started,
    /// A file that runs outside a transaction failed, or a rollback took back what a killed run left of it:
    /// nothing of it stayed.
    Failed,
}

impl Event {
    /// As the ledger spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Applied => "applied",
            Event::RolledBack => "rolled_back",
            Event::Started => "started",
            Event::Failed => "failed",
        }
    }
}

/// One row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Grows with every row, in the order of commits.
    pub id: i64,
    /// What happened.
    pub event: Event,
    /// To which migration.
    pub version: String,
    /// Its name.
    pub name: String,
    /// The SHA-256 of the file that applies it, normalised.
    pub checksum: String,
    /// The login that did it, as the server knows it.
    pub actor: String,
    /// Who that login says it acted for.
    pub on_behalf_of: Option<String>,
    /// When, in UTC, to the second: `2026-01-02 03:04:05`.
    pub at: String,
    /// How long the file ran, in milliseconds.
    pub duration_ms: i64,
    /// The tool that did it, with its version.
    pub tool: String,
}

/// The rows, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) exists: bool,
    /// Created in a transaction that is still open.
    pub(super) is_new: bool,
    pub(super) entries: Vec<Entry>,
}

const COLUMNS: &str = "id, event, version, name, checksum, actor, on_behalf_of, \
    pg_catalog.to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS'), duration_ms, tool";

/// Creates the schema and the table. Runs under the lock, in its transaction.
///
/// The owner keeps the power to undo the protection, so whoever must not should apply with a login
/// that does not own the ledger. `enable always` holds against `session_replication_role` too.
const CREATE: &str = "
create schema if not exists tabellion;
create table tabellion.ledger (
  id bigint generated always as identity primary key,
  event text not null check (event ~ '^[a-z_]+$'),
  version text not null check (version ~ '^[0-9]{14}$'),
  name text not null,
  checksum text not null check (checksum ~ '^[0-9a-f]{64}$'),
  actor text not null default session_user,
  on_behalf_of text,
  at timestamptz not null default pg_catalog.clock_timestamp(),
  duration_ms bigint not null check (duration_ms >= 0),
  tool text not null
);
comment on table tabellion.ledger is
  'What Tabellion did to this database. Append-only: the state of a migration is its last event.';
create function tabellion.refuse_change() returns trigger
language plpgsql set search_path = '' as $$
begin
  raise exception 'the ledger is append-only' using errcode = 'insufficient_privilege';
end
$$;
create trigger append_only before update or delete or truncate on tabellion.ledger
  for each statement execute function tabellion.refuse_change();
alter table tabellion.ledger enable always trigger append_only;
revoke all on schema tabellion from public;
revoke all on function tabellion.refuse_change() from public;
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

impl Ledger {
    /// Reads the whole ledger, once it is known whose it is; an absent one is empty.
    pub(super) async fn read(client: &Client) -> Result<Self, MigrateError> {
        if !trust::ledger_exists(client).await? {
            return Ok(Ledger::default());
        }
        let query = format!("select {COLUMNS} from tabellion.ledger order by id");
        let messages = client.simple_query(&query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the ledger", &error))?;
        Ok(Ledger {
            exists: true,
            is_new: false,
            entries: rows(&messages).map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// Creates the ledger where it is missing. Runs in the transaction that holds the lock.
    /// Says whether it was.
    pub(super) async fn create(client: &Client) -> Result<bool, MigrateError> {
        if trust::ledger_exists(client).await? {
            return Ok(false);
        }
        let created = client.batch_execute(CREATE).await;
        created.map_err(|error| MigrateError::server("creating the ledger", &error))?;
        // Someone else may have made the schema in between.
        trust::ledger_exists(client).await.map(|_| true)
    }

    /// The last row's number, which no other ledger state shares.
    pub(super) fn last_id(&self) -> i64 {
        self.entries.last().map_or(0, |entry| entry.id)
    }

    /// Whether rows were added since this was read; within the transaction that holds the lock, and
    /// so for as long as it lasts.
    pub(super) async fn is_current(&self, client: &Client) -> Result<bool, MigrateError> {
        let query = "select coalesce(max(id), 0) from tabellion.ledger";
        let messages = client.simple_query(query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the ledger", &error))?;
        let last = self.last_id().to_string();
        Ok(super::hold::first_value(&messages) == Some(last.as_str()))
    }

    /// The migrations that are applied, each with the event that applied it.
    pub(super) fn applied(&self) -> BTreeMap<&str, &Entry> {
        let mut last: BTreeMap<&str, &Entry> = BTreeMap::new();
        let states = |entry: &&Entry| matches!(entry.event, Event::Applied | Event::RolledBack);
        for entry in self.entries.iter().filter(states) {
            last.insert(&entry.version, entry);
        }
        last.retain(|_, entry| entry.event == Event::Applied);
        last
    }

    /// Whether a file of that version, which runs outside a transaction, was cut short.
    pub(super) fn is_begun(&self, version: &str) -> bool {
        self.begun().any(|entry| entry.version == version)
    }

    /// The rows that began a file outside a transaction and that nothing followed, by version.
    pub(super) fn begun(&self) -> impl Iterator<Item = &Entry> {
        let mut last: BTreeMap<&str, &Entry> = BTreeMap::new();
        for entry in &self.entries {
            last.insert(&entry.version, entry);
        }
        let last = last.into_values();
        last.filter(|entry| entry.event == Event::Started)
    }

    /// What keeps the ledger and the lock from being one history.
    pub(super) fn problems(&self, set: &Migrations) -> Vec<String> {
        let applied = self.applied();
        let mut problems = Vec::new();
        for (version, entry) in &applied {
            match set.get(version) {
                None => problems.push(format!(
                    "migration `{version}_{}` is applied but not in the lock; use the version of the project \
                     that holds it, which can also roll it back",
                    entry.name
                )),
                Some(migration) if migration.checksum != entry.checksum => problems.push(format!(
                    "migration `{version}_{}` was applied with other content on {} UTC; restore the file and \
                     the lock that were applied, and make the change as a new migration",
                    entry.name, entry.at
                )),
                Some(_) => {}
            }
        }
        let last = applied.keys().next_back();
        for migration in set.iter() {
            let version = migration.version.as_str();
            if let Some(last) = last
                && version < *last
                && !applied.contains_key(version)
            {
                problems.push(format!(
                    "migration `{version}_{}` is not applied, but the later `{last}` is; roll back to before \
                     it, or seal it again with a later date",
                    migration.name
                ));
            }
        }
        problems
    }

    /// The migrations that are not applied, in order.
    pub(super) fn pending<'a>(
        &self,
        set: &'a Migrations,
    ) -> Result<Vec<&'a Migration>, MigrateError> {
        let problems = self.problems(set);
        if !problems.is_empty() {
            return Err(MigrateError::History(Problems(problems)));
        }
        let applied = self.applied();
        Ok(set
            .iter()
            .filter(|migration| !applied.contains_key(migration.version.as_str()))
            .collect())
    }
}

/// The statement that enters an event. Where no time is given, it stands at the end of the message that
/// runs a file, so that the time since the message arrived is the time that the file took.
pub(super) fn insert(
    event: Event,
    migration: &Migration,
    on_behalf_of: Option<&str>,
    took: Option<Duration>,
) -> String {
    let took = match took {
        Some(took) => took.as_millis().to_string(),
        None => "greatest(0, extract(epoch from pg_catalog.clock_timestamp() - \
                 pg_catalog.statement_timestamp()) * 1000)::pg_catalog.int8"
            .into(),
    };
    let literal = |text: &str| quote_literal(text);
    format!(
        "insert into tabellion.ledger as l \
         (event, version, name, checksum, on_behalf_of, duration_ms, tool) values \
         ({}, {}, {}, {}, {}, {took}, {}) \
         returning {COLUMNS}",
        literal(event.as_str()),
        literal(&migration.version),
        literal(&migration.name),
        literal(&migration.checksum),
        on_behalf_of.map_or_else(|| "null".into(), literal),
        literal(concat!("tabellion ", env!("CARGO_PKG_VERSION"))),
    )
}

fn rows(messages: &[SimpleQueryMessage]) -> impl Iterator<Item = &SimpleQueryRow> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn entry(row: &SimpleQueryRow) -> Result<Entry, MigrateError> {
    let value = |index| (index < row.len()).then(|| row.get(index)).flatten();
    let text = |index| value(index).unwrap_or_default().to_owned();
    let event = match value(1) {
        Some("applied") => Event::Applied,
        Some("rolled_back") => Event::RolledBack,
        Some("started") => Event::Started,
        Some("failed") => Event::Failed,
        other => {
            return Err(MigrateError::history(format!(
                "the ledger holds an event `{}` that this version of tabellion does not know; update tabellion",
                other.unwrap_or_default()
            )));
        }
    };
    Ok(Entry {
        id: text(0).parse().unwrap_or(0),
        event,
        version: text(2),
        name: text(3),
        checksum: text(4),
        actor: text(5),
        on_behalf_of: value(6).map(str::to_owned),
        at: text(7),
        duration_ms: text(8).parse().unwrap_or(0),
        tool: text(9),
    })
}
