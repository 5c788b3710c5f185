//! Columns that keys, indexes, partitions, expressions and rights name.

use super::Finding;
use crate::schema::{Column, Expr, IndexColumn, IndexKey, QualifiedName, Rls, Table};

/// What reads columns of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reader<'a> {
    /// What it is, as people call it.
    pub(crate) what: String,
    /// The columns that it names.
    columns: Vec<&'a String>,
    /// Its expressions, which may read other tables too.
    pub(crate) exprs: Vec<&'a Expr>,
}

impl<'a> Reader<'a> {
    fn new(what: String) -> Self {
        Reader {
            what,
            columns: Vec::new(),
            exprs: Vec::new(),
        }
    }

    fn names(mut self, columns: impl IntoIterator<Item = &'a String>) -> Self {
        self.columns.extend(columns);
        self
    }

    fn says(mut self, exprs: impl IntoIterator<Item = &'a Expr>) -> Self {
        self.exprs.extend(exprs);
        self
    }

    fn keyed(mut self, columns: impl IntoIterator<Item = &'a IndexColumn>) -> Self {
        for column in columns {
            match &column.key {
                IndexKey::Name(name) => self.columns.push(name),
                IndexKey::Expression(expr) => self.exprs.push(expr),
            }
        }
        self
    }

    /// Every column of its own table that it names or reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &'a String> {
        let read = self.exprs.iter().flat_map(|expr| &expr.columns);
        self.columns.iter().copied().chain(read)
    }
}

/// Each of them exists.
pub(super) fn columns(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    for reader in readers(table) {
        for column in reader.columns() {
            if table.column(column).is_none() {
                let message = format!(
                    "no column `{column}` on table `{}`, which {} names; add it, or name another",
                    name.name, reader.what
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}

/// Everything that reads columns of a table.
pub(crate) fn readers(table: &Table) -> Vec<Reader<'_>> {
    // Every field is named, so that none that is added later is forgotten.
    let Table {
        source: _,
        comment: _,
        columns,
        primary_key,
        uniques,
        foreign_keys,
        checks,
        exclusions,
        indexes,
        partition_by,
        partitions: _,
        rls,
        grants: _,
        column_grants,
    } = table;
    let mut readers: Vec<Reader<'_>> = columns.iter().filter_map(computed).collect();
    let mut add = |reader| readers.push(reader);
    if let Some(key) = primary_key {
        add(Reader::new("the primary key".to_owned()).names(&key.columns));
    }
    for (name, unique) in uniques {
        add(Reader::new(format!("unique constraint `{name}`")).names(&unique.columns));
    }
    for (name, key) in foreign_keys {
        let columns = key.columns.iter().chain(&key.on_delete_columns);
        add(Reader::new(format!("foreign key `{name}`")).names(columns));
    }
    for (name, check) in checks {
        add(Reader::new(format!("check `{name}`")).says([&check.expr]));
    }
    for (name, index) in indexes {
        let reader = Reader::new(format!("index `{name}`")).keyed(&index.columns);
        add(reader.names(&index.include).says(&index.predicate));
    }
    for (name, exclusion) in exclusions {
        let elements = exclusion.elements.iter().map(|element| &element.column);
        let reader = Reader::new(format!("exclusion constraint `{name}`")).keyed(elements);
        add(reader.says(&exclusion.predicate));
    }
    if let Some(by) = partition_by {
        add(Reader::new("the partition key".to_owned()).names(&by.columns));
    }
    if let Rls::Enabled(policies) = rls {
        for (name, policy) in policies {
            let exprs = policy.using.iter().chain(&policy.check);
            add(Reader::new(format!("policy `{name}`")).says(exprs));
        }
    }
    for (role, commands) in column_grants {
        for (command, columns) in commands {
            let what = format!("the grant to role `{role}` to {command} some columns");
            add(Reader::new(what).names(columns));
        }
    }
    readers
}

/// A column that the server computes from others.
fn computed(column: &Column) -> Option<Reader<'_>> {
    let Column {
        name,
        ty: _,
        nullable: _,
        default: _,
        generated: _,
        computed,
        collation: _,
        updated_at: _,
        comment: _,
    } = column;
    let expr = computed.as_ref()?;
    Some(Reader::new(format!("generated column `{name}`")).says([expr]))
}
