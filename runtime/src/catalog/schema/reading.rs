//! What has been read so far.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Expr, QualifiedName, Schema, Table};

use super::row::Row;
use super::{ReadSchema, tree};

/// The schema so far, and how the catalog numbers its parts.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) schema: Schema,
    unsupported: BTreeSet<String>,
    /// Tables by their identity.
    pub(super) tables: BTreeMap<u32, QualifiedName>,
    /// Names of columns by table and number.
    pub(super) columns: BTreeMap<(u32, u32), String>,
    /// Indexes, those of exclusion constraints included.
    pub(super) indexes: BTreeMap<u32, ReadIndex>,
    /// Policies of tables and of partitions, by table.
    pub(super) policies: BTreeMap<u32, super::policies::Policies>,
    /// The sequences that number columns, with the columns' tables.
    pub(super) sequences: BTreeMap<QualifiedName, Numbering>,
    /// The functions that keep `updated_at`, which are nobody else's.
    pub(super) functions: BTreeSet<QualifiedName>,
}

/// Where an index, or the exclusion constraint that it serves, has been put.
pub(super) struct ReadIndex {
    pub(super) table: QualifiedName,
    pub(super) name: String,
    pub(super) excludes: bool,
}

/// What a sequence numbers.
pub(super) struct Numbering {
    pub(super) table: QualifiedName,
    pub(super) serial: bool,
}

impl Reading {
    /// The table that a row's field `relation` names, if it is one that is read.
    pub(super) fn table(&mut self, row: &Row<'_>) -> Option<(QualifiedName, &mut Table)> {
        let name = self.tables.get(&row.number("relation"))?.clone();
        let table = self.schema.tables.get_mut(&name)?;
        Some((name, table))
    }

    /// The names of a table's columns.
    pub(super) fn names(
        &self,
        relation: u32,
        numbers: impl IntoIterator<Item = u32>,
    ) -> BTreeSet<String> {
        let known = |number| self.columns.get(&(relation, number)).cloned();
        numbers.into_iter().filter_map(known).collect()
    }

    /// An expression over one table's columns, read off its node tree.
    pub(super) fn expr(&self, relation: u32, sql: String, tree: &str) -> Expr {
        Expr::new(sql, self.names(relation, tree::attributes(tree)))
    }

    /// Notes what schema data cannot say.
    pub(super) fn cannot_say(&mut self, fact: &str, object: &str) {
        self.unsupported.insert(format!("{fact}: {object}"));
    }

    pub(super) fn finish(self) -> ReadSchema {
        ReadSchema {
            schema: self.schema,
            unsupported: self.unsupported.into_iter().collect(),
        }
    }
}

/// `` `mine` on `public.orders` ``
pub(super) fn part_of(name: &str, table: &QualifiedName) -> String {
    format!("`{}` on `{table}`", quote(name))
}
