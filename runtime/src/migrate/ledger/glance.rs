//! Whether there is anything to do, told by a glance at the ledger: most starts of a service find nothing.
//!
//! A new session has not looked at the catalog before, and most of what it spends here is for that. So it looks
//! once, while connecting, whose ledger it is, and then at a single row. Doubts are for [`Ledger::read`], and
//! triggers and defaults are for whoever writes.

use tokio_postgres::Client;

use super::{Ledger, first_value};
use crate::migrate::connect::NO_PATH;
use crate::migrate::set::Migrations;

/// Whether the ledger is this login's own, a plain table, and the only history there is. Then nothing of a
/// stranger's is executed by reading it, and no stranger can change that any more.
const IS_OWN: &str = "
select c.relkind = 'r' and not c.relrowsecurity
  and c.relowner = pg_catalog.quote_ident(current_user)::pg_catalog.regrole
  and c.relnamespace = (
    select n.oid from pg_catalog.pg_namespace n where n.nspname = 'tabellion' and n.nspowner = c.relowner)
  and pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null
from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass('tabellion.ledger')";

/// A row that says a migration is applied was entered once all before it were, as the lock's chain has them.
const LAST: &str = "select link from tabellion.ledger order by id desc limit 1";

impl Ledger {
    /// Whether the ledger needs no closer look before it is read. One round trip. `false` where there is any
    /// doubt, of whatever kind.
    pub(in crate::migrate) async fn is_own(client: &Client) -> bool {
        asked(client, IS_OWN).await.as_deref() == Some("t")
    }

    /// Whether the last that happened is that the last migration of the set was applied, and so all of them are,
    /// each as it stands in the set. For a ledger that [is own](Self::is_own). One round trip. `false` where there
    /// is any doubt, of whatever kind.
    pub(in crate::migrate) async fn has_all(client: &Client, set: &Migrations) -> bool {
        let Some(last) = set.iter().next_back() else {
            return false;
        };
        asked(client, LAST).await.as_ref() == Some(&last.link)
    }
}

/// The first value of a query's first row.
async fn asked(client: &Client, query: &str) -> Option<String> {
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    first_value(&messages.ok()?).map(str::to_owned)
}
