//! The names that a branch gave tables, columns and partitions, as the hazards of its migrations tell them.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::super::super::Sealed;
use super::super::super::facts::segment;
use super::Branch;
use crate::ident::quote;
use crate::schema::QualifiedName;

/// A table, or a column or partition of one.
#[derive(Clone)]
pub(super) struct Named {
    table: String,
    part: Option<Part>,
}

#[derive(Clone)]
enum Part {
    Column(String),
    Partition(String),
}

impl Named {
    /// What a path leads to, where it can be renamed.
    pub(super) fn at(path: &[String]) -> Option<Named> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let (table, part) = match path[..] {
            ["tables", table] => (table, None),
            ["tables", table, "columns", column] => {
                (table, Some(Part::Column(quote(column).into_owned())))
            }
            ["tables", table, "partitions", name] => {
                (table, Some(Part::Partition(quote(name).into_owned())))
            }
            _ => return None,
        };
        Some(Named {
            table: table.to_owned(),
            part,
        })
    }

    /// As a hazard names it.
    fn subject(&self) -> Option<String> {
        let table = &self.table;
        Some(match &self.part {
            None => format!("table {table}"),
            Some(Part::Column(column)) => format!("column {table}.{column}"),
            Some(Part::Partition(partition)) => {
                let schema = QualifiedName::from_str(table).ok()?.schema;
                format!("partition {}.{partition}", quote(&schema))
            }
        })
    }

    /// Gives it the name that a migration gave it; whether it did.
    fn follow(&mut self, sealed: &Sealed) -> bool {
        // The table goes first: what it has is told under its new name.
        if let Some(table) = renamed(sealed, &format!("table {}", self.table)) {
            self.table = table;
            if self.part.is_none() {
                return true;
            }
        }
        let name = self.subject().and_then(|it| renamed(sealed, &it));
        match (&mut self.part, name) {
            (Some(Part::Column(part) | Part::Partition(part)), Some(name)) => *part = name,
            _ => return false,
        }
        true
    }

    fn name(self) -> String {
        match self.part {
            None => self.table,
            Some(Part::Column(name) | Part::Partition(name)) => name,
        }
    }
}

impl Branch<'_> {
    /// The name that it gave what can be renamed, and in which file.
    pub(super) fn renamed(&self, named: &Named) -> Option<(String, String)> {
        let (mut named, mut file) = (named.clone(), None);
        for (version, sealed) in &self.links {
            if named.follow(sealed) {
                file = Some(sealed.file_name(version));
            }
        }
        Some((named.name(), file?))
    }

    /// What became of what lay at a path, of which it took facts away, and in which file.
    pub(super) fn fate(&self, path: &[String], facts: &BTreeSet<&str>) -> (String, String) {
        if let Some((name, file)) = Named::at(path).and_then(|named| self.renamed(&named)) {
            return (format!("was renamed to `{name}`"), file);
        }
        let table = path.get(..2).and_then(Named::at);
        if let Some(table) = table
            && let Some((name, file)) = self.renamed(&table)
        {
            let (old, new) = (segment(&table.table), segment(&name));
            let moved = |fact: &&str| self.has(&fact.replacen(&old, &new, 1));
            if facts.iter().any(moved) {
                return (format!("went with its table, renamed to `{name}`"), file);
            }
        }
        let file = self.file(|sealed| sealed.gone.iter().any(|it| facts.contains(&**it)));
        ("was dropped".to_owned(), file.unwrap_or_default())
    }
}

/// The name that a migration gave an object, which hazards call `subject`.
pub(in super::super) fn renamed(sealed: &Sealed, subject: &str) -> Option<String> {
    let hazards = sealed.hazards.iter().map(ToString::to_string);
    hazards.into_iter().find_map(|hazard| {
        let (_, fate) = hazard.split_once(&format!(" {subject}: "))?;
        Some(fate.strip_prefix("renamed to ")?.to_owned())
    })
}
