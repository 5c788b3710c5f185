//! The difference of two snapshots, object by object.

use std::collections::BTreeSet;
use std::fmt;

use super::{Kind, Object, Snapshot};

/// One object that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The object.
    pub object: Object,
    /// What is wrong with it.
    pub change: Change,
}

/// How an object differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It should be there.
    Missing {
        /// Its definition.
        expected: String,
    },
    /// It should not be there.
    Unexpected {
        /// Its definition.
        found: String,
    },
    /// It is defined otherwise.
    Differs {
        /// As it should be.
        expected: String,
        /// As it is.
        found: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { object, change } = self;
        let plain = matches!(object.kind, Kind::Table | Kind::Schema | Kind::Function);
        match change {
            Change::Missing { .. } if plain => write!(f, "{object} is missing"),
            Change::Unexpected { .. } if plain => write!(f, "{object} is not expected"),
            Change::Missing { expected } => write!(f, "{object} is missing; expected `{expected}`"),
            Change::Unexpected { found } => write!(f, "{object} is not expected; found `{found}`"),
            Change::Differs { expected, found } => {
                write!(
                    f,
                    "{object} differs; expected `{expected}`, found `{found}`"
                )
            }
        }
    }
}

pub(super) fn diff(expected: &Snapshot, found: &Snapshot) -> Vec<Finding> {
    let names: BTreeSet<&Object> = expected
        .objects
        .keys()
        .chain(found.objects.keys())
        .collect();
    let lone = |object: &Object| {
        expected.objects.contains_key(object) != found.objects.contains_key(object)
    };
    names
        .into_iter()
        // What hangs on a table, or a function, that is missing or unexpected goes without saying.
        .filter(|object| {
            matches!(object.kind, Kind::Schema | Kind::Table | Kind::Function)
                || !lone(&owner_of(object))
        })
        .filter_map(|object| {
            let change = match (expected.objects.get(object), found.objects.get(object)) {
                (Some(expected), Some(found)) if expected == found => return None,
                (Some(expected), Some(found)) => Change::Differs {
                    expected: expected.clone(),
                    found: found.clone(),
                },
                (Some(expected), None) => Change::Missing {
                    expected: expected.clone(),
                },
                (None, Some(found)) => Change::Unexpected {
                    found: found.clone(),
                },
                (None, None) => return None,
            };
            Some(Finding {
                object: object.clone(),
                change,
            })
        })
        .collect()
}

fn owner_of(object: &Object) -> Object {
    Object {
        kind: if object.relation.ends_with("()") {
            Kind::Function
        } else {
            Kind::Table
        },
        name: String::new(),
        ..object.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(entries: &[(Kind, &str, &str, &str)]) -> Snapshot {
        Snapshot {
            objects: entries
                .iter()
                .map(|&(kind, relation, name, definition)| {
                    let object = Object {
                        schema: "public".into(),
                        relation: relation.into(),
                        kind,
                        name: name.into(),
                    };
                    (object, definition.to_owned())
                })
                .collect(),
        }
    }

    #[test]
    fn findings_read_well_and_a_missing_table_is_one_finding() {
        let expected = snapshot(&[
            (Kind::Table, "a", "", "table"),
            (Kind::Column, "a", "id", "bigint not null"),
            (Kind::Policy, "a", "mine", "for select to app using (true)"),
            (Kind::Table, "b", "", "table"),
            (Kind::Column, "b", "id", "bigint"),
        ]);
        let found = snapshot(&[
            (Kind::Table, "a", "", "table"),
            (Kind::Column, "a", "id", "bigint"),
            (Kind::Grant, "a", "app", "truncate"),
        ]);
        let told: Vec<_> = expected
            .diff(&found)
            .iter()
            .map(Finding::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "policy `mine` on `public.a` is missing; expected `for select to app using (true)`",
                "what `app` may do on `public.a` is not expected; found `truncate`",
                "column `id` on `public.a` differs; expected `bigint not null`, found `bigint`",
                "table `public.b` is missing",
            ]
        );
        assert!(expected.diff(&expected).is_empty());
    }
}
