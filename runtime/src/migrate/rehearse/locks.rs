//! Which locks a file took.
//!
//! A file's own transaction says it best: one statement behind the file writes down what its session
//! holds, and commits with it. A file outside a transaction gives its locks back after each statement, so
//! that another connection looks while it runs.
//! Source: <https://www.postgresql.org/docs/15/view-pg-locks.html>.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::migrate::connect;
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::set::Migrations;
use crate::migrate::verify::rows;

/// What a rehearsal keeps for itself, in a PostgreSQL schema of its own.
const CREATE: &str = "
create schema if not exists tabellion_rehearsal;
create table if not exists tabellion_rehearsal.relation (id oid, name text);
create table if not exists tabellion_rehearsal.lock (name text, mode text)";

/// What is there before a file runs. Nobody else can be in the way of what it makes.
const BEFORE: &str = "
truncate tabellion_rehearsal.relation, tabellion_rehearsal.lock;
insert into tabellion_rehearsal.relation
select c.oid, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'tabellion', 'tabellion_rehearsal')";

/// Ends the file whatever it ends with, and whatever role it has taken on, as the engine does right after.
const NOTE: &str = "
;reset session authorization;reset role;reset all;
insert into tabellion_rehearsal.lock
select r.name, l.mode from pg_catalog.pg_locks l join tabellion_rehearsal.relation r on r.id = l.relation
where l.pid = pg_catalog.pg_backend_pid() and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database());
";

const LOOK: &str = "
select distinct r.name, l.mode
from pg_catalog.pg_locks l join tabellion_rehearsal.relation r on r.id = l.relation
where l.pid <> pg_catalog.pg_backend_pid() and l.granted
  and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())";

/// How long a look rests.
const PAUSE: Duration = Duration::from_millis(1);

/// The modes, weakest first.
const MODES: [(&str, &str); 8] = [
    ("AccessShareLock", "access share"),
    ("RowShareLock", "row share"),
    ("RowExclusiveLock", "row exclusive"),
    ("ShareUpdateExclusiveLock", "share update exclusive"),
    ("ShareLock", "share"),
    ("ShareRowExclusiveLock", "share row exclusive"),
    ("ExclusiveLock", "exclusive"),
    ("AccessExclusiveLock", "access exclusive"),
];

/// A lock that a file took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLock {
    /// The relation with its schema, as SQL.
    pub relation: String,
    /// The mode as PostgreSQL's documentation names it, in lower case.
    pub mode: &'static str,
}

impl fmt::Display for TakenLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.relation, self.mode)
    }
}

/// The migrations with the statement behind each file that notes its locks. Their checksums stay: the
/// ledger of a scratch database is nobody's proof.
pub(super) fn noted(set: &Migrations) -> Migrations {
    let mut noted = set.clone();
    for migration in &mut noted.list {
        for script in [&mut migration.up, &mut migration.down] {
            if !script.header.no_transaction {
                script.sql.push_str(NOTE);
            }
        }
    }
    noted
}

/// The strongest mode of each relation, as an index.
type Seen = BTreeMap<String, usize>;

/// A second connection to the scratch database, which looks on.
pub(super) struct Watch {
    url: String,
    client: Client,
    looking: Option<(oneshot::Sender<()>, JoinHandle<Seen>)>,
}

impl Watch {
    pub(super) async fn open(url: &str) -> Result<Self, MigrateError> {
        Ok(Watch {
            url: url.to_owned(),
            client: connect::connect(url).await?,
            looking: None,
        })
    }

    /// Makes what the notes are written to.
    pub(super) async fn prepare(&self) -> Result<(), MigrateError> {
        self.execute(CREATE).await
    }

    /// Begins to watch a file; from aside where it runs outside a transaction.
    pub(super) async fn begin(&mut self, from_aside: bool) -> Result<(), MigrateError> {
        self.execute(BEFORE).await?;
        if from_aside {
            let client = connect::connect(&self.url).await?;
            let (stop, stopped) = oneshot::channel();
            self.looking = Some((stop, tokio::spawn(look(client, stopped))));
        }
        Ok(())
    }

    /// What was seen.
    pub(super) async fn end(&mut self) -> Result<Vec<TakenLock>, MigrateError> {
        let mut seen = match self.looking.take() {
            Some((stop, looking)) => {
                let _ = stop.send(());
                looking.await.unwrap_or_default()
            }
            None => Seen::new(),
        };
        let query = "select name, mode from tabellion_rehearsal.lock";
        let messages = self.client.simple_query(query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the locks", &error))?;
        keep(&mut seen, &messages);
        let taken = seen.into_iter().filter_map(|(relation, mode)| {
            let (_, mode) = MODES.get(mode)?;
            Some(TakenLock { relation, mode })
        });
        Ok(taken.collect())
    }

    async fn execute(&self, sql: &str) -> Result<(), MigrateError> {
        let done = self.client.batch_execute(sql).await;
        done.map_err(|error| MigrateError::server("preparing to watch the locks", &error))
    }
}

/// Looks until it is told to stop.
async fn look(client: Client, mut stopped: oneshot::Receiver<()>) -> Seen {
    let mut seen = Seen::new();
    while let Ok(messages) = client.simple_query(&format!("{NO_PATH}{LOOK}")).await {
        keep(&mut seen, &messages);
        if tokio::time::timeout(PAUSE, &mut stopped).await.is_ok() {
            break;
        }
    }
    seen
}

fn keep(seen: &mut Seen, messages: &[tokio_postgres::SimpleQueryMessage]) {
    for row in rows(messages) {
        let text = |index| row.get(index).unwrap_or_default();
        if let Some(mode) = MODES.iter().position(|(name, _)| *name == text(1)) {
            let strongest = seen.entry(text(0).to_owned()).or_default();
            *strongest = mode.max(*strongest);
        }
    }
}
