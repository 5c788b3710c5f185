//! A unique key that tells one tenant what another one has.
//!
//! Uniqueness is checked over all rows, whoever may see them
//! (<https://www.postgresql.org/docs/15/ddl-rowsecurity.html>).

use super::said::{Known, Read, sight, writers};
use super::{Level, Page, Place, Rule};
use crate::schema::{Policy, QualifiedName, Schema, Table, Type};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "cross-tenant-key",
        level: Level::Warning,
        summary: "a unique key across tenants, which tells one of them what another one has",
        text: "\
What happens:
  A tenant that writes a value gets an error where another tenant has it already: it has learned that the row
  exists, and neither of them can use what the other one took.

Why:
  A unique index holds the rows of all tenants, and policies do not apply to it. The row stays unseen, and the error
  says that it is there. ON CONFLICT shows the same without an error.

Which keys:
  Primary and unique keys, unique indexes and exclusion constraints of a table that a tenant may write, unless they
  hold every column that confines what the tenant sees: those that its SELECT policy compares with the scope, or
  where that compares none, the policy by which it writes. Left out is a key with a UUID, which nobody guesses, and
  one with a column that the server numbers (`serial`, `identity`): an insert in raw SQL may choose a number, unless
  it is `identity`, and learns that it is taken, which numbers that count all tenants' rows tell anyway. Where that
  is a secret, take UUIDs.

To mend it:
  Put the tenant into the key: `#[unique(columns(shop, email))]`. A primary key becomes
  `#[primary_key(columns(shop, code))]`, or a `Uuid` with `default = gen_random_uuid()`.

To allow it:
  #[allow_rule(\"cross-tenant-key\", reason = \"domain names are public, and there is one owner of each\")]",
    },
    check,
};

/// A key, as far as the rule needs it.
struct Key<'a> {
    what: String,
    place: Place,
    /// Its columns; of an exclusion constraint those that must differ.
    columns: Vec<&'a str>,
}

fn check(known: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    let writers = writers(known, table).into_iter();
    let writers: Vec<Vec<String>> = writers
        .map(|(policy, check)| tenant(known, table, policy, &check))
        .filter(|columns| !columns.is_empty())
        .collect();
    let mut found = Vec::new();
    for key in keys(table) {
        if is_safe(table, &key) {
            continue;
        }
        let lacks = |columns: &Vec<String>| -> Vec<String> {
            let held = |column: &&String| !key.columns.contains(&column.as_str());
            columns.iter().filter(held).cloned().collect()
        };
        let lacking = writers
            .iter()
            .map(lacks)
            .find(|lacking| !lacking.is_empty());
        if let Some(lacking) = lacking {
            let spans = match holds_some(&key, &writers) {
                true => "is not one tenant's alone",
                false => "spans all tenants",
            };
            let message = format!(
                "{} on table `{}` {spans}, so that an insert tells what another one has; add `{}` to it",
                key.what,
                name.name,
                lacking.join("` and `")
            );
            found.push((key.place, message));
        }
    }
    found
}

/// Whether a key holds a column of a tenant at all.
fn holds_some(key: &Key<'_>, writers: &[Vec<String>]) -> bool {
    let mut columns = writers.iter().flatten();
    columns.any(|column| key.columns.contains(&column.as_str()))
}

/// The columns that say whose a row is, to whoever writes by a policy; none where nobody in particular does.
fn tenant(known: &Known, table: &Table, policy: &Policy, check: &Read) -> Vec<String> {
    let sight = sight(known, table, &policy.roles);
    if !sight.is_empty() {
        return in_order(table, |column| sight.contains(column));
    }
    let mut equals = check.equals.iter().peekable();
    let any: Vec<_> = match equals.peek() {
        Some(_) => equals.collect(),
        // `shop = ... or open`: one way in is a tenant's.
        None => check.ways.iter().flatten().collect(),
    };
    in_order(table, |column| {
        any.iter().any(|equal| equal.column == column)
    })
}

fn in_order(table: &Table, is: impl Fn(&str) -> bool) -> Vec<String> {
    let names = table.columns.iter().map(|column| column.name.clone());
    names.filter(|name| is(name)).collect()
}

fn keys(table: &Table) -> Vec<Key<'_>> {
    let named = |kind: &str, name: &str, place: fn(String) -> Place, columns| Key {
        what: format!("{kind} `{name}`"),
        place: place(name.to_owned()),
        columns,
    };
    let mut keys = Vec::new();
    if let Some(key) = &table.primary_key {
        let first = key.columns.first().cloned();
        keys.push(Key {
            what: "the primary key".into(),
            place: first.into(),
            columns: key.columns.iter().map(String::as_str).collect(),
        });
    }
    for (name, unique) in &table.uniques {
        let columns = unique.columns.iter().map(String::as_str).collect();
        keys.push(named("unique constraint", name, Place::Key, columns));
    }
    for (name, index) in table.indexes.iter().filter(|(_, index)| index.unique) {
        let columns = index.columns.iter().filter_map(|column| column.name());
        keys.push(named("unique index", name, Place::Index, columns.collect()));
    }
    for (name, exclusion) in &table.exclusions {
        let equal = exclusion.elements.iter().filter(|it| it.operator == "=");
        let columns = equal.filter_map(|element| element.column.name()).collect();
        keys.push(named("exclusion constraint", name, Place::Key, columns));
    }
    keys
}

/// Whether nobody can choose, or guess, a value of the key.
fn is_safe(table: &Table, key: &Key<'_>) -> bool {
    let mut columns = key.columns.iter().filter_map(|name| table.column(name));
    columns.any(|column| column.ty == Type::Uuid || column.generated.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, policy, tenant_table};
    use super::*;
    use crate::schema::{Column, Command, Generated, Index, IndexColumn, PrimaryKey, Unique};

    fn key(columns: &[&str]) -> Option<PrimaryKey> {
        Some(PrimaryKey {
            name: "note_pkey".into(),
            columns: columns.iter().map(|&column| column.into()).collect(),
            ..PrimaryKey::default()
        })
    }

    fn with(change: impl FnOnce(&mut Table)) -> Vec<(Place, String)> {
        found("cross-tenant-key", |schema| {
            change(tenant_table(schema, "note"));
        })
    }

    #[test]
    fn cross_tenant_key() {
        assert_eq!(
            with(|table| table.primary_key = key(&["id"])),
            [(
                Place::Column("id".into()),
                "the primary key on table `note` spans all tenants, so that an insert tells what another one has; \
                 add `shop` to it [cross-tenant-key]"
                    .to_owned()
            )]
        );
        let unique = with(|table| {
            let id = Unique {
                columns: vec!["id".into()],
                ..Unique::default()
            };
            table.uniques.insert("u".into(), id);
        });
        assert_eq!(unique[0].0, Place::Key("u".into()));
        let index = with(|table| {
            let index = Index {
                unique: true,
                ..Index::new([IndexColumn::new("id")])
            };
            table.indexes.insert("i".into(), index);
        });
        assert_eq!(index[0].0, Place::Index("i".into()));

        assert_eq!(with(|table| table.primary_key = key(&["id", "shop"])), []);
        for ty in [Type::Uuid, Type::Int8] {
            let safe = with(|table| {
                table.primary_key = key(&["id"]);
                table.columns[0].generated = (ty != Type::Uuid).then_some(Generated::Serial);
                table.columns[0].ty = ty;
            });
            assert_eq!(safe, []);
        }
        // Two columns say whose a row is: both, or one of them still tells.
        let two = "shop = (select current_setting('app.shop', true)) and region = \
                   (select current_setting('app.region', true))";
        let of_two = |columns: &[&str], select: &str, insert: &str| {
            with(|table| {
                table.columns.push(Column::new("region", Type::Text));
                table.rls = Table::new("").rls;
                policy(table, "read", Some(Command::Select), select);
                policy(table, "add", Some(Command::Insert), insert);
                table.primary_key = key(columns);
            })
        };
        let own = super::super::tests::OWN;
        assert_eq!(of_two(&["shop", "region", "id"], two, two), []);
        assert!(of_two(&["region", "id"], two, two)[0].1.contains(
            "is not one tenant's alone, so that an insert tells what another one has; add `shop` to it"
        ));
        assert_eq!(of_two(&["shop", "id"], two, two).len(), 1);
        assert!(
            of_two(&["id"], two, two)[0]
                .1
                .contains("add `shop` and `region` to it")
        );
        // Who sees the whole shop learns nothing of it.
        assert_eq!(of_two(&["shop", "id"], own, two), []);
        assert_eq!(of_two(&["region", "id"], own, two).len(), 1);
        let open = format!("({own}) or region = 'all'");
        assert_eq!(of_two(&["id"], &open, &open).len(), 1);
        assert_eq!(of_two(&["shop", "id"], &open, &open), []);
        // A tenant that only reads learns nothing from a key.
        let read = with(|table| {
            table.primary_key = key(&["id"]);
            table.rls = Table::new("").rls;
            policy(
                table,
                "read",
                Some(Command::Select),
                super::super::tests::OWN,
            );
        });
        assert_eq!(read, []);
    }
}
