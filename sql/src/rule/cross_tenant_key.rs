//! A unique key that tells one tenant what another one has.
//!
//! Uniqueness is checked over all rows, whoever may see them
//! (<https://www.postgresql.org/docs/15/ddl-rowsecurity.html>).

use super::said::{Known, writers};
use super::{Level, Page, Place, Rule};
use crate::schema::{QualifiedName, Schema, Table, Type};

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
  Primary and unique keys, unique indexes and exclusion constraints of a table that a tenant may write, if they
  hold none of the columns that the policy compares with the scope. Left out is a key with a UUID, which nobody
  guesses, and one with a column that the server numbers (`serial`, `identity`): no user chooses that, so an insert
  tells nothing. The numbers themselves still tell how many rows all tenants have; where that is a secret, take UUIDs.

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
    let writers = writers(known, table);
    let mut found = Vec::new();
    for key in keys(table) {
        if is_safe(table, &key) {
            continue;
        }
        let holds = |column: &str| key.columns.contains(&column);
        let open = writers
            .iter()
            .find(|tenant| !tenant.equals.iter().any(|equal| holds(&equal.column)));
        if let Some(tenant) = open {
            let message = format!(
                "{} on table `{}` spans all tenants, so that an insert tells what another one has; add `{}` to it",
                key.what, name.name, tenant.equals[0].column
            );
            found.push((key.place, message));
        }
    }
    found
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
    use crate::schema::{Command, Generated, Index, IndexColumn, PrimaryKey, Unique};

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
