//! What only the whole schema can tell: names that clash, foreign keys that do not fit, policies that read
//! what their role may not, what needs an extension. The traps of row-level security are rules (`rule`).

mod classes;
mod columns;
mod default_classes;
mod defaults;
mod extensions;
mod foreign_keys;
mod names;
mod operators;
mod own_classes;
mod partitions;
mod policies;
mod reads;
#[cfg(test)]
mod tests;

use crate::schema::{IndexColumn, QualifiedName, Schema, Table};

pub(crate) use columns::{Reader, readers};
pub use policies::settle_lookups;
pub(crate) use reads::read_elsewhere;

/// A mistake that no single table shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table at which to report it.
    pub table: QualifiedName,
    /// The column at which to report it, where one is to blame.
    pub column: Option<String>,
    /// The fact, then the remedy.
    pub message: String,
    /// In a crate that derives its tables rustc says the same, at the same place.
    pub rustc_reports: bool,
    /// It is only that a table is not there, which is no mistake where the schema lacks some that are
    /// declared.
    pub lacks_a_table: bool,
}

impl Finding {
    fn new(table: &QualifiedName, column: Option<&str>, message: String) -> Self {
        Finding {
            table: table.clone(),
            column: column.map(str::to_owned),
            message,
            rustc_reports: false,
            lacks_a_table: false,
        }
    }
}

/// Everything wrong with a schema whose tables are each right by themselves, in order of tables.
pub fn verify(schema: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    names::names(schema, &mut findings);
    let readable = policies::Readable::of(schema);
    for (name, table) in &schema.tables {
        columns::columns(name, table, &mut findings);
        defaults::defaults(name, table, &mut findings);
        partitions::partitions(name, table, &mut findings);
        policies::other_tables(schema, &readable, name, table, &mut findings);
        policies::looked_up(schema, &readable, name, table, &mut findings);
        extensions::extensions(schema, name, table, &mut findings);
        classes::classes(schema, name, table, &mut findings);
        own_classes::own_classes(schema, name, table, &mut findings);
        default_classes::default_classes(schema, name, table, &mut findings);
        operators::operators(schema, name, table, &mut findings);
        foreign_keys::foreign_keys(schema, name, table, &mut findings);
    }
    findings
}

/// The parts of the keys of indexes and exclusion constraints: what such a thing is, its name, its access method,
/// and the part.
fn parts(table: &Table) -> impl Iterator<Item = (&'static str, &str, &str, &IndexColumn)> {
    let indexes = table.indexes.iter().flat_map(|(name, index)| {
        let parts = index.columns.iter();
        parts.map(move |part| ("index", name.as_str(), index.method.as_str(), part))
    });
    let exclusions = table.exclusions.iter().flat_map(|(name, exclusion)| {
        let parts = exclusion.elements.iter().map(|element| &element.column);
        let kind = "exclusion constraint";
        parts.map(move |part| (kind, name.as_str(), exclusion.method.as_str(), part))
    });
    indexes.chain(exclusions)
}
