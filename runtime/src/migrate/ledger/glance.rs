//! Whether there is anything to do, told by a glance at the ledger: most starts of a service find nothing.
//!
//! A new session has not looked at the catalog before, and most of what it spends here is for that. So it looks
//! once, while connecting, whose ledger it is, and then at a single row. Doubts are for [`Ledger::read`], and
//! triggers and defaults are for whoever writes.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::{Event, Ledger, rows};
use crate::migrate::connect::OURS;
use crate::migrate::set::Migrations;

/// Whether the ledger is this login's own, which acts as nobody else, a plain table, and the only history there is. Then
/// nothing of a stranger's is executed by reading it, and no stranger can change that.
const IS_OWN: &str = "c.relkind = 'r' and not c.relrowsecurity
    and c.relowner = pg_catalog.quote_ident(session_user)::pg_catalog.regrole and current_user = session_user
    and c.relnamespace = (
      select n.oid from pg_catalog.pg_namespace n where n.nspname = 'tabellion' and n.nspowner = c.relowner)
    and pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null";

/// The table that it is asked of.
const OF_LEDGER: &str =
    "from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('tabellion.ledger')";

/// The last row: one that says a migration is applied was entered once all before it were, as the lock's chain has
/// them. Nothing here is looked for along a search path.
const LAST: &str =
    "select event, version, checksum, link from only tabellion.ledger order by id desc limit 1";

/// For how long it is known whose ledger it is. Only its owner and superusers can make room for another one, and whoever
/// reads the ledger after it was looked at runs as long a risk.
const FRESH: Duration = Duration::from_secs(1);

/// That the ledger was found to be this login's own, and when.
#[derive(Debug, Clone, Copy)]
pub(in crate::migrate) struct Own(Instant);

impl Ledger {
    /// Whether the ledger needs no closer look before it is read. One round trip. `None` where there is any doubt, of
    /// whatever kind.
    pub(in crate::migrate) async fn own(client: &Client) -> Option<Own> {
        let looked = Instant::now();
        let asked = format!("{OURS}select 'own' {OF_LEDGER} and {IS_OWN}");
        let messages = client.simple_query(&asked).await.ok()?;
        rows(&messages).next().map(|_| Own(looked))
    }

    /// Whether the last that happened is that the last migration of the set was applied, and so all of them are,
    /// each as it stands in the set. One round trip. `false` where there is any doubt, of whatever kind.
    pub(in crate::migrate) async fn has_all(client: &Client, own: Own, set: &Migrations) -> bool {
        let Some(last) = set.iter().next_back() else {
            return false;
        };
        let query = match own.0.elapsed() < FRESH {
            true => LAST.to_owned(),
            // Where it is its own no more the cast fails, and what stands behind it in the message never runs.
            false => format!(
                "{OURS}select (case when {IS_OWN} then 'true' else 'tabellion looks at this ledger more closely' \
                 end)::pg_catalog.bool {OF_LEDGER};{LAST}"
            ),
        };
        let Ok(messages) = client.simple_query(&query).await else {
            return false;
        };
        let wanted = [&last.version, &last.checksum, &last.link].map(|one| Some(one.as_str()));
        let applied = [Event::Applied, Event::Adopted].map(|event| Some(event.as_str()));
        rows(&messages).last().is_some_and(|row| {
            row.len() == 4
                && applied.contains(&row.get(0))
                && wanted == [row.get(1), row.get(2), row.get(3)]
        })
    }
}
