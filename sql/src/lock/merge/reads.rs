//! What one branch made to read or reference a column, and the column that another took away or changed: no line of
//! the lock contradicts another, and yet nobody has seen the two together.

use std::collections::BTreeMap;

use super::super::{Lock, LockError, Sealed};
use super::WAY_OUT;
use super::torn::renamed;
use crate::schema::{Column, QualifiedName, Schema};
use crate::verify::{Reader, read_elsewhere, readers};

type Link<'a> = (&'a str, &'a Sealed);
type Schemas = BTreeMap<Option<String>, Schema>;

impl Lock {
    /// Refuses what one branch made to read, or to reference, a column or a table that another dropped or renamed, or
    /// whose type it changed, where that is read. `schemas` are [those](Lock::schemas) that the branches had.
    ///
    /// # Errors
    /// The first such reader, with the files of both.
    pub fn refuse_unread(&self, schemas: &Schemas) -> Result<(), LockError> {
        let children = self.children();
        let (parted, tips) = self.parting(&children);
        let none = Schema::default();
        let at = |sum: &Option<String>| schemas.get(sum).unwrap_or(&none);
        let links = tips.iter().flat_map(|tip| self.below(tip, &children));
        let links: Vec<Link<'_>> = links
            .filter_map(|version| Some((version, self.migrations.get(version)?)))
            .collect();
        let by_sum: BTreeMap<String, Link<'_>> = links
            .iter()
            .map(|link| (link.1.checksum(link.0), *link))
            .collect();
        for (end, last) in &by_sum {
            if children.contains_key(&Some(end.clone())) {
                continue;
            }
            let parent = |link: &Link<'_>| by_sum.get(link.1.parent.as_ref()?).copied();
            let branch: Vec<Link<'_>> = std::iter::successors(Some(*last), parent).collect();
            let others = links.iter().filter(|link| !branch.contains(link));
            let sides = Sides {
                others: others.copied().collect(),
                branch,
                at: &at,
            };
            sides.refuse(at(&parted), at(&Some(end.clone())), &self.schema)?;
        }
        Ok(())
    }
}

/// The migrations of one branch, the last one first, and all others.
struct Sides<'s, 'a> {
    branch: Vec<Link<'a>>,
    others: Vec<Link<'a>>,
    at: &'s dyn Fn(&Option<String>) -> &'a Schema,
}

/// What a branch has that reads columns: of a table, what it is, as people call it, and whether a schema has it.
struct Reads<'r> {
    table: &'r QualifiedName,
    what: &'r str,
    how: &'static str,
    columns: Vec<(&'r QualifiedName, &'r str)>,
    is_in: &'r dyn Fn(&Schema) -> bool,
}

impl Sides<'_, '_> {
    fn refuse(&self, base: &Schema, own: &Schema, merged: &Schema) -> Result<(), LockError> {
        for (name, table) in &own.tables {
            for reader in readers(table) {
                let here = reader.columns().map(|column| (name, column.as_str()));
                let exprs = reader.exprs.iter();
                let elsewhere = exprs.flat_map(|expr| read_elsewhere(expr, name, own));
                let reads = Reads {
                    table: name,
                    what: &reader.what,
                    how: "reads",
                    columns: here.chain(elsewhere).collect(),
                    is_in: &|schema| has(schema, name, |it| *it == reader),
                };
                self.refuse_lost(&reads, base, own, merged)?;
            }
            for (key, definition) in &table.foreign_keys {
                let references = definition.references.iter().map(String::as_str);
                // Whether it may reference another type the whole schema says.
                let is_gone = |column: &&str| {
                    let table = merged.tables.get(&definition.table);
                    table.is_none_or(|table| table.column(column).is_none())
                };
                let references = references.filter(is_gone);
                let reads = Reads {
                    table: name,
                    what: &format!("foreign key `{key}`"),
                    how: "references",
                    columns: references.map(|it| (&definition.table, it)).collect(),
                    is_in: &|schema| {
                        let table = schema.tables.get(name);
                        table.and_then(|it| it.foreign_keys.get(key)) == Some(definition)
                    },
                };
                self.refuse_lost(&reads, base, own, merged)?;
            }
        }
        Ok(())
    }

    fn refuse_lost(
        &self,
        reads: &Reads<'_>,
        base: &Schema,
        own: &Schema,
        merged: &Schema,
    ) -> Result<(), LockError> {
        let Reads {
            table, what, how, ..
        } = reads;
        if (reads.is_in)(base) || !has(merged, table, |it| it.what == *what) {
            return Ok(());
        }
        let Some((lost, file)) = self.lost(&reads.columns, own, merged) else {
            return Ok(());
        };
        let added = self.branch.iter().rev().find(|(version, link)| {
            let sum = Some(link.checksum(version));
            (reads.is_in)((self.at)(&sum)) && !(reads.is_in)((self.at)(&link.parent))
        });
        let added = added.map(|(version, link)| link.file_name(version));
        Err(LockError::whole(format!(
            "the branches do not fit together: {what} of table `{table}`, as `{}` has it, {how} {lost} by `{file}` of \
             the other branch; {WAY_OUT}",
            added.unwrap_or_default()
        )))
    }

    /// The first of the columns that is no longer found as it was: what became of it, and the file that did it.
    fn lost(
        &self,
        columns: &[(&QualifiedName, &str)],
        own: &Schema,
        merged: &Schema,
    ) -> Option<(String, String)> {
        columns.iter().find_map(|&(table, name)| {
            let column = own.tables.get(table)?.column(name)?;
            let found = merged.tables.get(table).and_then(|it| it.column(name));
            let is_same = |found: Option<&Column>| {
                found.is_some_and(|found| {
                    found.ty == column.ty && found.computed.is_some() == column.computed.is_some()
                })
            };
            if is_same(found) {
                return None;
            }
            let shown = format!("{table}.{}", crate::ident::quote(name));
            let changed = self.others.iter().find(|(version, link)| {
                let of = |sum| {
                    let tables = &(self.at)(sum).tables;
                    tables.get(table).and_then(|it| it.column(name))
                };
                is_same(of(&link.parent)) && !is_same(of(&Some(link.checksum(version))))
            });
            let fate = |subject: &str| {
                let others = self.others.iter();
                let mut named = others.filter_map(|(version, link)| {
                    Some((renamed(link, subject)?, link.file_name(version)))
                });
                named.next()
            };
            let file = changed.map(|(version, link)| link.file_name(version));
            let file = file.unwrap_or_default();
            Some(match found {
                Some(found) if found.ty != column.ty => {
                    let what = format!("column `{shown}`, which got the type `{}`", found.ty);
                    (what, file)
                }
                Some(found) => {
                    let now = if found.computed.is_some() {
                        "became"
                    } else {
                        "is no longer"
                    };
                    (
                        format!("column `{shown}`, which {now} a generated column"),
                        file,
                    )
                }
                None if merged.tables.contains_key(table) => {
                    let subject = format!("column {shown}");
                    match fate(&subject) {
                        Some((now, file)) => (
                            format!("column `{shown}`, which was renamed to `{now}`"),
                            file,
                        ),
                        None => (format!("column `{shown}`, which was dropped"), file),
                    }
                }
                None => match fate(&format!("table {table}")) {
                    Some((now, file)) => (
                        format!("table `{table}`, which was renamed to `{now}`"),
                        file,
                    ),
                    None => (format!("table `{table}`, which was dropped"), file),
                },
            })
        })
    }
}

/// Whether a table has a reader of that kind.
fn has(schema: &Schema, table: &QualifiedName, is: impl Fn(&Reader<'_>) -> bool) -> bool {
    let table = schema.tables.get(table);
    table.is_some_and(|table| readers(table).iter().any(is))
}

#[cfg(test)]
mod tests;
