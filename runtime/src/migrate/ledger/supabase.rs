//! The history that Supabase's own tool keeps, where there is one: kept in step with the ledger.
//!
//! Its table is `supabase_migrations.schema_migrations`; `name` and `statements` came later than `version`.
//! Source: <https://supabase.com/docs/reference/cli/supabase-migration-repair>.

use std::collections::BTreeMap;

use tabellion_sql::file::statements;
use tabellion_sql::ident::quote_literal;

use crate::migrate::set::Migration;

pub(super) const TABLE: &str = "supabase_migrations.schema_migrations";

/// What the table holds, and which columns it has.
#[derive(Debug, Clone)]
pub(in crate::migrate) struct Supabase {
    columns: Vec<String>,
    /// Each version, with its name.
    versions: BTreeMap<String, String>,
}

impl Supabase {
    /// From the names of the table's columns, a blank apart.
    pub(super) fn new(columns: &str) -> Self {
        Supabase {
            columns: columns.split(' ').map(str::to_owned).collect(),
            versions: BTreeMap::new(),
        }
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own == column)
    }

    /// The columns of the rows that [`take`](Self::take) reads.
    pub(super) fn columns(&self) -> String {
        let name = self.has("name").then_some(", name");
        format!("version{}", name.unwrap_or_default())
    }

    pub(super) fn take(&mut self, row: &[Option<String>]) {
        let text = |index: usize| row.get(index).cloned().flatten().unwrap_or_default();
        self.versions.insert(text(0), text(1));
    }

    pub(super) fn keep(&mut self, version: &str, is_applied: bool) {
        if is_applied {
            self.versions.entry(version.to_owned()).or_default();
        } else {
            self.versions.remove(version);
        }
    }

    pub(in crate::migrate) fn holds(&self, version: &str) -> bool {
        self.versions.contains_key(version)
    }

    /// Each version with its name, in order.
    pub(in crate::migrate) fn versions(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.versions.iter();
        pairs.map(|(version, name)| (version.as_str(), name.as_str()))
    }

    /// The statement that enters a migration. It fails where the migration is there already, unless
    /// `or_keep` is said.
    pub(in crate::migrate) fn insert(&self, migration: &Migration, or_keep: bool) -> String {
        let mut columns = vec!["version"];
        let mut values = vec![quote_literal(&migration.version)];
        if self.has("name") {
            columns.push("name");
            values.push(quote_literal(&migration.name));
        }
        if self.has("statements") {
            columns.push("statements");
            // The splitter has passed this text before.
            let split = statements(&migration.up.sql).unwrap_or_default();
            let texts: Vec<String> = split.iter().map(|one| quote_literal(one.text)).collect();
            values.push(format!("array[{}]::text[]", texts.join(", ")));
        }
        let conflict = if or_keep {
            " on conflict do nothing"
        } else {
            ""
        };
        format!(
            "insert into {TABLE} ({}) values ({}){conflict};",
            columns.join(", "),
            values.join(", ")
        )
    }

    /// The statement that takes a migration out.
    pub(in crate::migrate) fn delete(version: &str) -> String {
        format!(
            "delete from {TABLE} where version = {};",
            quote_literal(version)
        )
    }
}
