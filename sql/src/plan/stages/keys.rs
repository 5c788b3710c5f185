//! Unique constraints and primary keys that indexes become, each by one statement in a pair of its own.
//! PostgreSQL makes no index of a constraint again, so the way back builds one, concurrently too.

use crate::ident::quote;
use crate::schema::{PrimaryKey, QualifiedName, Table};

use super::super::constraints::{Attachment, Kind, attachments, index_of, of_key};
use super::super::statements::Step;
use super::super::{constraints, indexes};
use super::Stages;
use super::replace::{Names, Rests};

impl Stages<'_> {
    /// Makes constraints of the indexes that are there for them, and drops the unique constraints that
    /// go; but for those that a foreign key rests on.
    pub(super) fn keys(
        &mut self,
        name: &QualifiedName,
        after: &Table,
        rests: &Rests,
        names: &mut Names,
    ) {
        let before = &self.at.tables[name];
        let going: Vec<String> = before
            .uniques
            .iter()
            .filter(|(unique, definition)| {
                !after.uniques.contains_key(*unique) && !rests.on(name, &definition.columns)
            })
            .map(|(unique, _)| unique.clone())
            .collect();
        for attachment in attachments(before, after) {
            self.attach(name, &attachment, rests, names);
        }
        for unique in going {
            self.detach(name, &unique);
        }
    }

    fn attach(&mut self, name: &QualifiedName, new: &Attachment, rests: &Rests, names: &mut Names) {
        let before = &self.at.tables[name];
        let old = match new.kind {
            Kind::PrimaryKey => before.primary_key.as_ref().map(|key| Attachment {
                constraint: key.name.clone(),
                unique: of_key(key),
                ..new.clone()
            }),
            Kind::Unique => before
                .uniques
                .get(&new.constraint)
                .map(|unique| Attachment {
                    unique: unique.clone(),
                    ..new.clone()
                }),
        };
        let rested_on = |one: &Attachment| rests.on(name, &one.unique.columns);
        if rested_on(new) || old.as_ref().is_some_and(rested_on) {
            return;
        }
        // The index by which the way back brings the old constraint back.
        let old = old.map(|old| Attachment {
            index: match old.constraint == new.constraint {
                true => names.fresh(name, &old.constraint),
                false => old.constraint.clone(),
            },
            ..old
        });
        let up = swap(name, old.as_ref(), Some(new));
        let mut down = vec![indexes::create_concurrently(
            name,
            &new.index,
            &index_of(&new.unique),
        )];
        if let Some(old) = &old {
            let index = index_of(&old.unique);
            let fate = match old.constraint == new.constraint {
                true => "changed",
                false => "new",
            };
            down.push(
                indexes::create_concurrently(name, &old.index, &index)
                    .restricts(constraints::object(name, &old.constraint), fate),
            );
        }
        down.push(swap(name, Some(new), old.as_ref()));
        self.step(name, (false, vec![up]), (true, down), |table| {
            table.indexes.remove(&new.index);
            match new.kind {
                Kind::PrimaryKey => {
                    table.primary_key = Some(PrimaryKey {
                        name: new.constraint.clone(),
                        columns: new.unique.columns.clone(),
                        deferrable: new.unique.deferrable,
                    });
                }
                Kind::Unique => {
                    let unique = new.unique.clone();
                    table.uniques.insert(new.constraint.clone(), unique);
                }
            }
        });
    }

    fn detach(&mut self, name: &QualifiedName, constraint: &str) {
        let Some(unique) = self.at.tables[name].uniques.get(constraint) else {
            return;
        };
        let old = Attachment {
            constraint: constraint.to_owned(),
            index: constraint.to_owned(),
            kind: Kind::Unique,
            unique: unique.clone(),
        };
        let down = vec![
            indexes::create_concurrently(name, constraint, &index_of(&old.unique))
                .restricts(constraints::object(name, constraint), "new"),
            swap(name, None, Some(&old)),
        ];
        let up = vec![swap(name, Some(&old), None)];
        self.step(name, (false, up), (true, down), |table| {
            table.uniques.remove(constraint);
        });
    }
}

/// Drops one constraint and makes another of its index, in one statement: no row slips in between.
fn swap(name: &QualifiedName, old: Option<&Attachment>, new: Option<&Attachment>) -> Step {
    let drop = old.map(|old| format!("drop constraint {}", quote(&old.constraint)));
    let add = new.map(Attachment::clause);
    let actions: Vec<String> = drop.into_iter().chain(add).collect();
    let step = match actions.as_slice() {
        [one] => Step::new(format!("alter table {name} {one}")),
        several => Step::new(format!("alter table {name}\n  {}", several.join(",\n  "))),
    };
    let step = step.stops(name);
    match old {
        Some(old) => {
            let object = constraints::object(name, &old.constraint);
            let stays = new.is_some_and(|new| new.constraint == old.constraint);
            step.removes(
                object,
                &constraints::gone(if stays { "changed" } else { "dropped" }),
            )
        }
        None => step,
    }
}
