//! How many rows each table of a copy has: counts, and never a row.

use std::collections::BTreeMap;
use std::fmt;

use tokio_postgres::Client;

use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::verify::rows;

/// How many rows a table held. `None` where the table was not there, or the login does not see all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowCount {
    /// The table with its schema, as SQL.
    pub table: String,
    /// In the copy, before anything ran.
    pub before: Option<u64>,
    /// After all that was pending was applied.
    pub applied: Option<u64>,
    /// After it was rolled back.
    pub rolled_back: Option<u64>,
}

impl fmt::Display for RowCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told =
            |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        write!(
            f,
            "rows of {}: {} before, {} applied, {} rolled back",
            self.table,
            told(self.before),
            told(self.applied),
            told(self.rolled_back)
        )
    }
}

/// By table, quoted.
pub(super) type Counts = BTreeMap<String, Option<u64>>;

const TABLES: &str = "
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'tabellion', 'tabellion_rehearsal')";

/// Counts every table. One whose rows a policy hides from the login has no count.
pub(super) async fn count(client: &Client) -> Result<Counts, MigrateError> {
    let messages = client.simple_query(&format!("{NO_PATH}{TABLES}")).await;
    let messages = messages.map_err(|error| MigrateError::server("listing the tables", &error))?;
    let tables: Vec<String> = rows(&messages)
        .filter_map(|row| row.get(0))
        .map(str::to_owned)
        .collect();
    let mut counts = Counts::new();
    for table in tables {
        // With `row_security` off, a policy that would hide rows is an error.
        let query =
            format!("set row_security = off;select count(*) from {table};reset row_security");
        let counted = client.simple_query(&query).await;
        if let Err(error) = &counted {
            if error.as_db_error().is_none() {
                return Err(MigrateError::server("counting rows", error));
            }
            let _ = client.batch_execute("reset row_security").await;
        }
        let count = counted.ok().and_then(|messages| {
            let mut found = rows(&messages);
            found.next()?.get(0)?.parse().ok()
        });
        counts.insert(table, count);
    }
    Ok(counts)
}

/// The three counts of each table.
pub(super) fn compare(counts: Vec<Counts>) -> Vec<RowCount> {
    let mut compared: BTreeMap<String, [Option<u64>; 3]> = BTreeMap::new();
    for (index, counts) in counts.into_iter().enumerate().take(3) {
        for (table, count) in counts {
            compared.entry(table).or_default()[index] = count;
        }
    }
    compared
        .into_iter()
        .map(|(table, [before, applied, rolled_back])| RowCount {
            table,
            before,
            applied,
            rolled_back,
        })
        .collect()
}
