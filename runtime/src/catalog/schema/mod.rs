//! A database's catalog, read back into the data that attributes declare.
//!
//! Each file asks one or two queries about one kind of object; their number is fixed, whatever the
//! number of tables, and all travel as one message. What schema data cannot say is not dropped
//! silently: it is listed beside the schema.
//!
//! | file | job |
//! |---|---|
//! | `tables`, `columns` | tables with their answer on row-level security, their columns |
//! | `constraints`, `indexes`, `keys` | primary keys, uniques, foreign keys, checks; indexes and exclusions; their keys |
//! | `partitions`, `bound` | partitions, and the text of their bounds |
//! | `policies`, `grants`, `triggers` | who may do what; `updated_at` |
//! | `externals`, `extensions` | what is referred to and not owned |
//! | `unsupported` | what schema data has no word for |
//! | `reading`, `row`, `tree`, `parts` | what is known so far; fields of a row; node trees; pieces of SQL that queries share |

mod bound;
mod columns;
mod constraints;
mod extensions;
mod externals;
mod grants;
mod indexes;
mod keys;
mod partitions;
mod parts;
mod policies;
mod reading;
mod row;
mod tables;
mod tree;
mod triggers;
mod unsupported;

use tabellion_sql::schema::Schema;
use tokio_postgres::{Client, SimpleQueryMessage};

pub(super) use bound::ordered;
use reading::Reading;
use row::Row;

/// What a catalog holds, as schema data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSchema {
    /// The schema. Expressions are as PostgreSQL prints them; a struct's module path, which no catalog
    /// knows, is the table's own name; every role is one that exists already.
    pub schema: Schema,
    /// What the catalog holds that schema data cannot say: the fact, then the object. In order, each
    /// once; empty where [`schema`](Self::schema) says it all.
    pub unsupported: Vec<String>,
}

/// A query, and what takes in its rows.
type Step = (&'static str, fn(&[Row<'_>], &mut Reading));

/// Each step may look at what those before it have read.
const STEPS: [Step; 16] = [
    (tables::QUERY, tables::read),
    (columns::QUERY, columns::read),
    (constraints::QUERY, constraints::read),
    (indexes::QUERY, indexes::read),
    (keys::QUERY, keys::read),
    (policies::QUERY, policies::read),
    (grants::TABLES, grants::read_tables),
    (grants::COLUMNS, grants::read_columns),
    (grants::SEQUENCES, grants::read_sequences),
    (grants::SCHEMAS, grants::read_schemas),
    (partitions::QUERY, partitions::read),
    (triggers::QUERY, triggers::read),
    (externals::QUERY, externals::read),
    (extensions::QUERY, extensions::read),
    (unsupported::TABLES, unsupported::read),
    (unsupported::OTHERS, unsupported::read),
];

/// Reads the tables of the given PostgreSQL schemas. The client must stand outside a transaction;
/// nothing is changed, and no lock is taken but the one that a plain `select` takes.
///
/// # Errors
/// Those of the server and the connection; a table locked away from readers for two seconds.
pub async fn read_schema<S: AsRef<str>>(
    client: &Client,
    schemas: impl IntoIterator<Item = S>,
) -> Result<ReadSchema, tokio_postgres::Error> {
    let schemas = super::literals(schemas);
    let mut sql = format!("begin read only;{}", super::SETTINGS);
    for (query, _) in STEPS {
        sql.push(';');
        sql.push_str(&parts::fill(query, &schemas));
    }
    sql.push_str(";commit");
    let messages = client.simple_query(&sql).await;
    if messages.is_err() {
        // The transaction is over either way; what ended it is the error to report.
        let _ = client.batch_execute("rollback").await;
    }
    Ok(from_messages(&messages?))
}

fn from_messages(messages: &[SimpleQueryMessage]) -> ReadSchema {
    let mut answers: Vec<Vec<Row<'_>>> = vec![Vec::new()];
    for message in messages {
        match message {
            SimpleQueryMessage::Row(row) => {
                if let Some(rows) = answers.last_mut() {
                    rows.push(Row(row));
                }
            }
            SimpleQueryMessage::CommandComplete(_) => answers.push(Vec::new()),
            _ => {}
        }
    }
    let mut reading = Reading::default();
    // The answers to `begin` and to the settings come first.
    for ((_, read), rows) in STEPS.iter().zip(answers.iter().skip(2)) {
        read(rows, &mut reading);
    }
    reading.finish()
}
