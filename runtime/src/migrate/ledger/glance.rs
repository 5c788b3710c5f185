//! Whether there is anything to do, told by a glance at the ledger: most starts of a service find nothing.
//!
//! A new session has not looked at the catalog before, and most of what it spends here is for that. So it looks
//! once, while connecting, whose ledger it is, and then at a single row. Doubts are for [`Ledger::read`], and
//! triggers and defaults are for whoever writes.

use tokio_postgres::Client;

use super::{Event, Ledger, rows};
use crate::migrate::connect::NO_PATH;
use crate::migrate::set::Migrations;

/// The number of the ledger's table, where that is this login's own, a plain table, and the only history there is.
/// Then nothing of a stranger's is executed by reading it, and no stranger can change that of this table any more.
const OWN: &str = "
select c.oid from pg_catalog.pg_class c
where c.oid = pg_catalog.to_regclass('tabellion.ledger') and c.relkind = 'r' and not c.relrowsecurity
  and c.relowner = pg_catalog.quote_ident(current_user)::pg_catalog.regrole
  and c.relnamespace = (
    select n.oid from pg_catalog.pg_namespace n where n.nspname = 'tabellion' and n.nspowner = c.relowner)
  and pg_catalog.to_regclass('supabase_migrations.schema_migrations') is null";

/// First whether the table of that name still is the one that was looked at, with all its rows; where it is not, the
/// cast fails and the second statement never runs. Then the last row: one that says a migration is applied was
/// entered once all before it were, as the lock's chain has them. No search path is taken: nothing here is looked for
/// along one, and each statement takes its time.
const LAST: &str = "
select (case when pg_catalog.to_regclass('tabellion.ledger')::pg_catalog.oid operator(pg_catalog.=) {table}::pg_catalog.oid
    and not pg_catalog.row_security_active({table}::pg_catalog.oid)
  then 'true' else 'another table has its name' end)::pg_catalog.bool;
select event, version, checksum, link from only tabellion.ledger order by id desc limit 1";

impl Ledger {
    /// The number of the ledger's table, if it needs no closer look before it is read. One round trip. `None` where
    /// there is any doubt, of whatever kind.
    pub(in crate::migrate) async fn own(client: &Client) -> Option<u32> {
        let messages = client.simple_query(&format!("{NO_PATH}{OWN}")).await.ok()?;
        rows(&messages).next()?.get(0)?.parse().ok()
    }

    /// Whether the last that happened is that the last migration of the set was applied, and so all of them are,
    /// each as it stands in the set. For a table that is this login's [own](Self::own). One round trip. `false`
    /// where there is any doubt, of whatever kind.
    pub(in crate::migrate) async fn has_all(client: &Client, table: u32, set: &Migrations) -> bool {
        let Some(last) = set.iter().next_back() else {
            return false;
        };
        let query = LAST.replace("{table}", &table.to_string());
        let Ok(messages) = client.simple_query(&query).await else {
            return false;
        };
        rows(&messages).nth(1).is_some_and(|row| {
            let applied = [Event::Applied, Event::Adopted].map(|event| Some(event.as_str()));
            let said = [row.get(1), row.get(2), row.get(3)];
            let wanted = [&last.version, &last.checksum, &last.link];
            applied.contains(&row.get(0)) && said == wanted.map(|one| Some(one.as_str()))
        })
    }
}
