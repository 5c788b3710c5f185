//! A policy whose column no index leads with.

use std::collections::BTreeSet;

use super::said::{Known, permissive};
use super::{Level, Page, Place, Rule};
use crate::schema::{QualifiedName, Schema, Table};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "policy-column-index",
        level: Level::Warning,
        summary: "a policy compares a column that no index leads with",
        text: "\
What happens:
  Every statement of a scope reads the whole table, every tenant's rows, to find the tenant's own.

Why:
  A policy is a condition like any other. Written as this build writes it, PostgreSQL evaluates its right side once
  and looks it up in an index, if there is one that begins with the column. A partial index does not count, since
  the policy holds for every row; nor does one of another collation than the column's.

Seen, on 1,000,000 rows of 1,000 tenants:
  The latest 20 of a tenant take as long as with an explicit WHERE (1.0 times) along an index; two permissive
  policies, which none serves, made a sequential scan of it, and 144 ms of 0.07.

To mend it:
  #[index(columns(shop, created_at desc))], or any index, key or list of partitions that begins with the column.
  Of a policy with `||` each side needs one.

To allow it:
  #[allow_rule(\"policy-column-index\", reason = \"one row a country, never more than 300\")]",
    },
    check,
};

fn check(known: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    let led = led(table);
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    for (policy, definition) in permissive(table) {
        let Some(using) = &definition.using else {
            continue;
        };
        for equals in &known.read(using).ways {
            let mut columns = equals.iter().map(|equal| equal.column.as_str());
            let is_led = columns.clone().any(|column| led.contains(column));
            let (Some(column), false) = (columns.next(), is_led) else {
                continue;
            };
            if table.column(column).is_none() || !told.insert(column.to_owned()) {
                continue;
            }
            let message = format!(
                "policy `{policy}` on `{}` compares `{column}`, with which no index begins, so that every statement \
                 reads the whole table; add an index over `{column}`",
                name.name
            );
            found.push((Place::Column(column.to_owned()), message));
        }
    }
    found
}

/// The columns that an index, a key or the partitions begin with.
fn led(table: &Table) -> BTreeSet<&str> {
    let keys = table.primary_key.iter().map(|key| &key.columns);
    let uniques = table.uniques.values().map(|unique| &unique.columns);
    let partitions = table.partition_by.iter().map(|by| &by.columns);
    let keys = keys.chain(uniques).chain(partitions);
    let keys = keys.filter_map(|columns| columns.first().map(String::as_str));
    let whole = table.indexes.values().filter(|it| it.predicate.is_none());
    let first = whole.filter_map(|index| index.columns.first());
    // Another collation is another order, and another equality: the policy compares by the column's own.
    let same = first.filter(|column| column.collation.is_none());
    let indexes = same.filter_map(|column| column.name());
    keys.chain(indexes).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OWN, found, policy, tenant_table};
    use super::*;
    use crate::schema::{Command, Expr, Index, IndexColumn, PrimaryKey};

    fn with(change: impl FnOnce(&mut Table)) -> Vec<(Place, String)> {
        found("policy-column-index", |schema| {
            let table = tenant_table(schema, "note");
            table.indexes.clear();
            change(table);
        })
    }

    #[test]
    fn policy_column_index() {
        assert_eq!(
            with(|_| {}),
            [(
                Place::Column("shop".into()),
                "policy `own` on `note` compares `shop`, with which no index begins, so that every statement reads \
                 the whole table; add an index over `shop` [policy-column-index]"
                    .to_owned()
            )]
        );
        let index = |columns: [&str; 2]| Index::new(columns.map(IndexColumn::new));
        let behind = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["id", "shop"]));
        };
        assert_eq!(with(behind).len(), 1);
        let partial = |table: &mut Table| {
            let partial = Index {
                predicate: Some(Expr::new("id > 0", ["id"])),
                ..index(["shop", "id"])
            };
            table.indexes.insert("i".into(), partial);
        };
        assert_eq!(with(partial).len(), 1);
        let collated = |table: &mut Table| {
            let mut collated = index(["shop", "id"]);
            collated.columns[0].collation = Some("\"C\"".into());
            table.indexes.insert("i".into(), collated);
        };
        assert_eq!(with(collated).len(), 1);
        let either = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["shop", "id"]));
            let both = format!("({OWN}) or id = (select current_setting('app.id', true))::bigint");
            table.rls = Table::new("").rls;
            policy(table, "own", Some(Command::Select), &both);
        };
        assert_eq!(with(either)[0].0, Place::Column("id".into()));

        let led = |table: &mut Table| {
            table.indexes.insert("i".into(), index(["shop", "id"]));
        };
        assert_eq!(with(led), []);
        let key = |table: &mut Table| {
            table.primary_key = Some(PrimaryKey {
                columns: vec!["shop".into()],
                ..PrimaryKey::default()
            });
        };
        assert_eq!(with(key), []);
        // An insert looks nothing up.
        let insert = |table: &mut Table| {
            table.rls = Table::new("").rls;
            policy(table, "own", Some(Command::Insert), OWN);
        };
        assert_eq!(with(insert), []);
    }
}
