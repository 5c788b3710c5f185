//! Whether there is anything to do, told by a glance at the ledger: most starts of a service find nothing.

use tokio_postgres::{Client, SimpleQueryMessage};

use super::{Entry, Event, Ledger, rows};
use crate::migrate::connect::NO_PATH;
use crate::migrate::set::Migrations;

/// First whether the ledger is this login's own, a plain table, and the only history there is; where it is
/// not, the cast fails and the second statement never runs, so that nothing of a stranger's is executed.
/// Then what tells whether a migration is applied.
///
/// A new session has not looked at the catalog before, and most of what it spends here is for that: each
/// further catalog costs more than the reading of a thousand rows. Doubts are for [`Ledger::read`], and
/// triggers and defaults are for whoever writes.
const QUERY: &str = "
select (case
  when c.relkind = 'r' and not c.relrowsecurity
    and c.relowner = pg_catalog.quote_ident(current_user)::pg_catalog.regrole
    and c.relnamespace = (
      select n.oid from pg_catalog.pg_namespace n where n.nspname = 'tabellion' and n.nspowner = c.relowner)
    and pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null
  then 'true' else 'tabellion looks at this ledger more closely' end)::pg_catalog.bool
from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('tabellion.ledger');
select event, version, checksum, position from tabellion.ledger order by id";

impl Ledger {
    /// Whether every migration of the set is plainly applied, as it stands in the set, and nothing is begun.
    /// One round trip. `false` where there is any doubt, of whatever kind.
    pub(in crate::migrate) async fn has_all(client: &Client, set: &Migrations) -> bool {
        let Ok(messages) = client.simple_query(&format!("{NO_PATH}{QUERY}")).await else {
            return false;
        };
        if is_plain(&messages, set) {
            return true;
        }
        let Some(ledger) = read(&messages) else {
            return false;
        };
        ledger.begun().is_empty() && ledger.pending(set).is_ok_and(|pending| pending.is_empty())
    }
}

/// Whether the ledger is the set, each migration applied once and in order, so that nothing is left to think
/// about.
fn is_plain(messages: &[SimpleQueryMessage], set: &Migrations) -> bool {
    let mut rows = rows(messages);
    let is_ours = rows.next().is_some_and(|first| first.get(0) == Some("t"));
    let said = rows
        .map(|row| [row.get(0), row.get(1), row.get(2)])
        .filter(|[event, ..]| *event != Some(Event::Approved.as_str()));
    let wanted = set.iter().map(|migration| {
        [
            Some(Event::Applied.as_str()),
            Some(migration.version.as_str()),
            Some(migration.checksum.as_str()),
        ]
    });
    is_ours && said.eq(wanted)
}

/// The ledger, as far as the second statement tells.
fn read(messages: &[SimpleQueryMessage]) -> Option<Ledger> {
    let mut rows = rows(messages);
    rows.next().filter(|first| first.get(0) == Some("t"))?;
    let entries = rows.map(|row| {
        let spelled = row.get(0)?;
        let text = |index| row.get(index).unwrap_or_default().to_owned();
        let &(event, _) = Event::ALL.iter().find(|(_, name)| *name == spelled)?;
        Some(Entry {
            id: 0,
            event,
            version: text(1),
            name: String::new(),
            checksum: text(2),
            rollback_checksum: String::new(),
            target: None,
            guarded: false,
            actor: String::new(),
            on_behalf_of: None,
            note: None,
            position: row.get(3).and_then(|position| position.parse().ok()),
            at: String::new(),
            duration_ms: 0,
            tool: String::new(),
        })
    });
    Some(Ledger {
        exists: true,
        entries: entries.collect::<Option<_>>()?,
        ..Ledger::default()
    })
}
