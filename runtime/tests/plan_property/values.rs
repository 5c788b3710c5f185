//! What becomes of the values in rows.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::plan::{Hazard, Migration};
use tabellion_sql::schema::{QualifiedName, Schema};

use crate::property::Run;
use crate::rows::{self, Contents};

impl Run<'_> {
    /// What is otherwise after a pair went there and back was announced as lost.
    pub(crate) fn losses(
        &mut self,
        pair: &Migration,
        earlier: &Schema,
        before: &Contents,
        after: &Contents,
    ) {
        let hazards = pair.up.hazards();
        let lost: BTreeSet<&str> = hazards
            .iter()
            .filter_map(|hazard| match hazard {
                Hazard::LosesData(subject) => Some(subject.object.as_str()),
                _ => None,
            })
            .collect();
        for (table, rows) in before {
            let whole = format!("table {table}");
            let partitions = lost.iter().any(|object| object.starts_with("partition "));
            if lost.contains(whole.as_str()) || partitions {
                continue;
            }
            let columns = rows
                .iter()
                .flat_map(BTreeMap::keys)
                .collect::<BTreeSet<_>>();
            let ident = |column: &str| tabellion_sql::ident::quote(column).into_owned();
            let said = |column: &&String| {
                // The label may name the table as it is called later.
                let later = self.case.origins.values().flat_map(|(_, columns)| columns);
                let later = later.filter(|(_, old)| *old == *column).map(|(new, _)| new);
                let mut names = later.chain(std::iter::once(*column));
                names.any(|name| {
                    let own = format!(".{}", ident(name));
                    let mut objects = lost.iter();
                    objects.any(|object| object.starts_with("column ") && object.ends_with(&own))
                })
            };
            // What is computed follows from what it reads, of which this holds too.
            let computed = |column: &&String| {
                let of = earlier
                    .tables
                    .get(table)
                    .and_then(|table| table.column(column));
                of.is_some_and(|column| column.computed.is_some())
            };
            let columns: Vec<&String> = columns
                .into_iter()
                .filter(|c| !said(c) && !computed(c))
                .collect();

            if columns.is_empty() {
                continue;
            }
            if rows::project(before, table, &columns) != rows::project(after, table, &columns) {
                self.wrong.push(format!(
                    "{table} holds other values after going there and back, and no label says so\n\
                     -- up\n{}-- down\n{}",
                    pair.up.body(),
                    pair.down.body()
                ));
            }
        }
    }

    /// The columns that nothing changes but their names hold what they held.
    pub(crate) fn kept(&mut self, before: &Contents, after: &Contents, what: &str) {
        for (new, old, columns) in self.unaffected() {
            let (news, olds): (Vec<&String>, Vec<&String>) = columns.iter().unzip();
            if rows::project(before, &old, &olds) != rows::project(after, &new, &news) {
                self.wrong.push(format!(
                    "{what}: {old} held other values in {olds:?} than {new}"
                ));
            }
        }
    }

    pub(crate) fn returned(&mut self, before: &Contents, after: &Contents) {
        for (_, old, columns) in self.unaffected() {
            let olds: Vec<&String> = columns.values().collect();
            if rows::project(before, &old, &olds) != rows::project(after, &old, &olds) {
                self.wrong
                    .push(format!("down: {old} held other values in {olds:?}"));
            }
        }
    }

    /// By new and old table, the new and old names of the columns that keep their values.
    fn unaffected(&self) -> Vec<(QualifiedName, QualifiedName, BTreeMap<String, String>)> {
        let mut found = Vec::new();
        for (new, (old, columns)) in &self.case.origins {
            let (before, after) = (&self.case.from.tables[old], &self.case.to.tables[new]);
            // A partition takes its rows along.
            if before
                .partitions
                .keys()
                .any(|partition| !after.partitions.contains_key(partition))
            {
                continue;
            }
            let same = |(new, old): &(&String, &String)| {
                let (Some(new), Some(old)) = (after.column(new), before.column(old)) else {
                    return false;
                };
                new.ty == old.ty && new.computed.is_none() && old.computed.is_none()
            };
            let columns: BTreeMap<String, String> = columns
                .iter()
                .filter(same)
                .map(|(new, old)| (new.clone(), old.clone()))
                .collect();
            if !columns.is_empty() {
                found.push((new.clone(), old.clone(), columns));
            }
        }
        found
    }
}
