//! Reading the ledger, and the history of Supabase's tool beside it.
//!
//! Whoever owns a table has what a query of it calls: by casts, by operators, and already while it is planned by the
//! functions in the predicate of an index, which are folded. So a query reads it only where its owner may do all
//! that the login may. Whatever else may be read is copied: that takes a table as it is, without a plan.

use futures_util::TryStreamExt;
use tokio_postgres::{Client, SimpleQueryRow};

use super::supabase::{self, Supabase};
use super::{Entry, Event, Ledger, rows, seen};
use crate::migrate::connect::OURS;
use crate::migrate::error::MigrateError;
use crate::migrate::trust::{self, Found};

const TABLE: &str = "tabellion.ledger";
const COLUMNS: &str = "id, event, version, name, checksum, rollback_checksum, target, actor, on_behalf_of, \
    note, position, at, duration_ms, tool, guarded";
/// How many [`COLUMNS`] are; what has fewer columns is a row of something else.
const WIDTH: usize = 15;
/// How the server writes a time, and that it hides no rows.
const AS_TEXT: &str =
    "set local timezone = 'UTC';set local datestyle = 'ISO';set local row_security = off;";

/// A row's values as text.
type Values = Vec<Option<String>>;

impl Ledger {
    /// Reads the whole ledger for who enters nothing in it; an absent one is empty.
    pub(in crate::migrate) async fn read(client: &Client) -> Result<Self, MigrateError> {
        Ledger::found(client, trust::look(client).await?).await
    }

    /// The same for who enters rows: refuses where none can be entered, or where that would run what is of someone who
    /// may do less.
    pub(in crate::migrate) async fn read_to_write(client: &Client) -> Result<Self, MigrateError> {
        let found = trust::look(client).await?;
        found.writable()?;
        Ledger::found(client, found).await
    }

    async fn found(client: &Client, found: Found) -> Result<Self, MigrateError> {
        let mut ledger = Ledger {
            exists: found.ledger,
            entries: Vec::new(),
            supabase: found.supabase.as_deref().map(Supabase::new),
        };
        let unread = |lacked: &&String| lacked.starts_with("column") && !lacked.ends_with("`link`");
        if let Some(lacked) = found.lacks.iter().find(unread) {
            return Err(MigrateError::history(format!(
                "the ledger lacks {lacked} and cannot be read; put the ledger back from a backup"
            )));
        }
        let own = ledger.exists.then(|| (TABLE, COLUMNS.to_owned()));
        let theirs = ledger.supabase.as_ref();
        let theirs = theirs.map(|history| (supabase::TABLE, history.columns()));
        let tables: Vec<_> = own.into_iter().chain(theirs).collect();
        if tables.is_empty() {
            return Ok(ledger);
        }
        let read = match found.strange.is_empty() {
            true => query(client, &tables).await,
            false => copy(client, &tables).await,
        };
        let read = read.map_err(|error| MigrateError::server("reading the ledger", &error))?;
        for values in &read {
            match &mut ledger.supabase {
                Some(history) if values.len() < WIDTH => history.take(values),
                _ => ledger.entries.push(entry(values)?),
            }
        }
        ledger.entries.sort_by_key(|entry| entry.id);
        Ok(ledger)
    }
}

/// The rows of tables, in one message.
async fn query(
    client: &Client,
    tables: &[(&str, String)],
) -> Result<Vec<Values>, tokio_postgres::Error> {
    let select = |(table, columns): &(&str, String)| format!("select {columns} from only {table};");
    let selects: String = tables.iter().map(select).collect();
    let messages = client
        .simple_query(&format!("{OURS}{AS_TEXT}{selects}"))
        .await?;
    let values = |row: &SimpleQueryRow| {
        let all = 0..row.len();
        all.map(|index| row.get(index).map(str::to_owned)).collect()
    };
    Ok(rows(&messages).map(values).collect())
}

/// The same in a transaction of its own, and no function of the tables' owner runs.
async fn copy(
    client: &Client,
    tables: &[(&str, String)],
) -> Result<Vec<Values>, tokio_postgres::Error> {
    let copied = async {
        client
            .batch_execute(&format!("begin read only;{OURS}{AS_TEXT}"))
            .await?;
        let mut read = Vec::new();
        for (table, columns) in tables {
            let stream = client
                .copy_out(&format!("copy {table} ({columns}) to stdout"))
                .await?;
            let text: Vec<_> = stream.try_collect().await?;
            let text = text.concat();
            let lines = String::from_utf8_lossy(&text);
            read.extend(lines.lines().map(copied_values));
        }
        Ok(read)
    }
    .await;
    let end = if copied.is_ok() { "commit" } else { "rollback" };
    let ended = client.batch_execute(end).await;
    let read = copied?;
    ended.map(|()| read)
}

/// A line of COPY's text format.
/// Source: <https://www.postgresql.org/docs/current/sql-copy.html>.
fn copied_values(line: &str) -> Values {
    let value = |field: &str| {
        if field == "\\N" {
            return None;
        }
        let mut characters = field.chars();
        let mut text = String::with_capacity(field.len());
        while let Some(c) = characters.next() {
            text.push(match c {
                '\\' => match characters.next() {
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('v') => '\u{b}',
                    other => other.unwrap_or('\\'),
                },
                c => c,
            });
        }
        Some(text)
    };
    line.split('\t').map(value).collect()
}

/// Reads a row of [`COLUMNS`].
fn entry(row: &[Option<String>]) -> Result<Entry, MigrateError> {
    let value = |index: usize| row.get(index).and_then(Option::as_deref);
    let text = |index| seen(value(index).unwrap_or_default());
    let some = |index| value(index).map(seen);
    let spelled = text(1);
    let known = Event::ALL.iter().find(|(_, name)| *name == spelled);
    let Some(&(event, _)) = known else {
        return Err(MigrateError::history(format!(
            "the ledger holds an event `{spelled}` that this version of tabellion does not know; update \
             tabellion"
        )));
    };
    Ok(Entry {
        id: text(0).parse().unwrap_or(0),
        event,
        version: text(2),
        name: text(3),
        checksum: text(4),
        rollback_checksum: text(5),
        target: some(6),
        guarded: value(14) == Some("t"),
        actor: text(7),
        on_behalf_of: some(8),
        note: some(9),
        position: value(10).and_then(|position| position.parse().ok()),
        // What follows the seconds is their fraction, and that it is UTC.
        at: text(11).chars().take("2026-01-02 03:04:05".len()).collect(),
        duration_ms: text(12).parse().unwrap_or(0),
        tool: text(13),
    })
}

#[cfg(test)]
mod tests {
    use super::copied_values;

    #[test]
    fn a_copied_line_has_the_values_that_were_written() {
        let line = "1\t\\N\t\ta\\tb\\nc\\\\N\\r\\v\\b\\f\t\\\\N";
        let wanted = [
            Some("1"),
            None,
            Some(""),
            Some("a\tb\nc\\N\r\u{b}\u{8}\u{c}"),
            Some("\\N"),
        ];
        assert_eq!(
            copied_values(line),
            wanted.map(|one| one.map(str::to_owned))
        );
    }
}
