//! A foreign key that leads from one tenant's row to another tenant's.
//!
//! The server checks foreign keys, and carries out their actions, past every policy
//! (<https://www.postgresql.org/docs/15/ddl-rowsecurity.html>).

use super::said::{Equal, Known, sight, tenants, writers};
use super::{Level, Page, Place, Rule};
use crate::schema::{Command, QualifiedName, Schema, Table};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "cross-tenant-reference",
        level: Level::Warning,
        summary: "a foreign key between tenants' tables that does not carry the tenant",
        text: "\
What happens:
  A tenant can write a row that refers to another tenant's row: the insert succeeds where that row exists and fails
  where not, which tells; and what the other tenant deletes or changes then reaches into the first one's rows by
  CASCADE or SET NULL, or is refused on their account.

Why:
  PostgreSQL checks a foreign key and carries out its actions as the owner of the tables, past their policies.

Which keys:
  Those between tenants' tables that do not carry every column by which the referenced table's SELECT policy tells
  tenants apart, and those of a table without row-level security into which a scope may write.

To mend it:
  Let the key carry the tenant, so that both rows have the same one:
    #[unique(columns(shop, id))]                                             on the referenced struct
    #[foreign_key(columns(shop, order_id), references = Order(shop, id))]    on the referencing one
  With `on_delete = set_null(order_id)` the tenant's column stays as it is.

To allow it:
  #[allow_rule(\"cross-tenant-reference\", reason = \"only a background job writes the column\")]",
    },
    check,
};

fn check(
    known: &Known,
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
) -> Vec<(Place, String)> {
    let mut writers = writers(known, table);
    writers.retain(|(_, check)| !check.equals.is_empty());
    let mut found = Vec::new();
    for (key, definition) in &table.foreign_keys {
        let Some(other) = schema.tables.get(&definition.table) else {
            continue;
        };
        let theirs = tenants(known, other);
        if theirs.is_empty() {
            continue; // what it refers to is nobody's in particular
        }
        let pairs = || definition.columns.iter().zip(&definition.references);
        let referenced = &definition.table.name;
        if is_open(table) {
            let message = format!(
                "foreign key `{key}` on table `{}`, which has no row-level security, leads to a row of `{referenced}` \
                 of any tenant; give the table policies and the key the tenant",
                name.name
            );
            found.push((Place::Key(key.clone()), message));
            continue;
        }
        // What the key does not carry of what tells their tenants apart, for the first writer who could cross.
        let open = writers.iter().find_map(|(policy, check)| {
            let is_own = |column: &String| check.equals.iter().any(|equal| equal.column == *column);
            let carries =
                |their: &String| pairs().any(|(own, reference)| reference == their && is_own(own));
            let sight = sight(known, other, &policy.roles);
            let lacking: Vec<String> = match sight.is_empty() {
                false => sight.into_iter().filter(|their| !carries(their)).collect(),
                true if theirs.keys().any(carries) => Vec::new(),
                true => theirs.keys().cloned().collect(),
            };
            (!lacking.is_empty()).then_some((check, lacking))
        });
        let Some((check, lacking)) = open else {
            continue;
        };
        let same: Vec<(&String, &String)> = lacking
            .iter()
            .filter_map(|column| {
                let is_same = |equal: &&Equal| theirs[column].contains(&equal.session);
                Some((&check.equals.iter().find(is_same)?.column, column))
            })
            .collect();
        let remedy = match same.is_empty() {
            false => {
                // The tenant's own column in the place of one that stood for it; PostgreSQL takes no column twice.
                let is_mended = |own: &String, their: &String| {
                    same.iter()
                        .any(|(it, column)| *it == own || *column == their)
                };
                let others = pairs().filter(|(own, their)| !is_mended(own, their));
                let (own, their): (Vec<&str>, Vec<&str>) = (same.iter().copied())
                    .chain(others)
                    .map(|(own, their)| (own.as_str(), their.as_str()))
                    .unzip();
                format!(
                    "refer to `{referenced}({})` by `({})`",
                    their.join(", "),
                    own.join(", ")
                )
            }
            true => {
                let own = &check.equals[0].column;
                format!("let both tables hold `{own}`, and the key carry it")
            }
        };
        let message = format!(
            "foreign key `{key}` on table `{}` leads to a row of `{referenced}` whose tenant may be another; {remedy}",
            name.name
        );
        found.push((Place::Key(key.clone()), message));
    }
    found
}

/// Whether a scope writes rows that no policy looks at.
fn is_open(table: &Table) -> bool {
    let mut grantees = table.grantees().into_iter();
    let writes = |role: &str| {
        [Command::Insert, Command::Update]
            .into_iter()
            .any(|command| table.is_granted(role, command))
    };
    !table.rls.is_enabled() && grantees.any(writes)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OWN, found, named, policy, tenant_table};
    use super::*;
    use crate::schema::{Column, ForeignKey, Type};

    fn with(change: impl FnOnce(&mut Schema)) -> Vec<(Place, String)> {
        found("cross-tenant-reference", |schema| {
            tenant_table(schema, "orders");
            let note = tenant_table(schema, "note");
            note.columns.push(Column::new("order_id", Type::Int8));
            let key = ForeignKey::new(["order_id"], named("orders"), ["id"]);
            note.foreign_keys.insert("note_order_id_fkey".into(), key);
            change(schema);
        })
    }

    #[test]
    fn cross_tenant_reference() {
        assert_eq!(
            with(|_| {}),
            [(
                Place::Key("note_order_id_fkey".into()),
                "foreign key `note_order_id_fkey` on table `note` leads to a row of `orders` whose tenant may be \
                 another; refer to `orders(shop, id)` by `(shop, order_id)` [cross-tenant-reference]"
                    .to_owned()
            )]
        );
        let carried = with(|schema| {
            let note = schema.tables.get_mut(&named("note")).expect("a table");
            let columns = ["shop", "order_id"];
            let key = ForeignKey::new(columns, named("orders"), ["shop", "id"]);
            note.foreign_keys.insert("note_order_id_fkey".into(), key);
        });
        assert_eq!(carried, []);
        let shared = with(|schema| {
            let orders = schema.tables.get_mut(&named("orders")).expect("a table");
            orders.rls = crate::schema::Rls::Disabled("the same for all".into());
        });
        assert_eq!(shared, []);
        // The key carries one of the two columns that say whose an order is.
        let two = format!("{OWN} and region = (select current_setting('app.region', true))");
        let of_two = |columns: &[&str], references: &[&str], orders_say: &str| {
            with(|schema| {
                for (table, said) in [("orders", orders_say), ("note", two.as_str())] {
                    let table = schema.tables.get_mut(&named(table)).expect("a table");
                    table.columns.push(Column::new("region", Type::Text));
                    table.rls = Table::new("").rls;
                    policy(table, "own", None, said);
                }
                let note = schema.tables.get_mut(&named("note")).expect("a table");
                let key = ForeignKey::new(
                    columns.iter().copied(),
                    named("orders"),
                    references.iter().copied(),
                );
                note.foreign_keys.insert("note_order_id_fkey".into(), key);
            })
        };
        let by_region = of_two(&["region", "order_id"], &["region", "id"], &two);
        assert!(
            by_region[0]
                .1
                .contains("refer to `orders(shop, region, id)` by `(shop, region, order_id)`"),
            "{by_region:?}"
        );
        let by_shop = (&["shop", "order_id"][..], &["shop", "id"][..]);
        assert_eq!(of_two(by_shop.0, by_shop.1, &two).len(), 1);
        assert_eq!(of_two(by_shop.0, by_shop.1, OWN), []);
        let by_both = (
            &["shop", "region", "order_id"][..],
            &["shop", "region", "id"][..],
        );
        assert_eq!(of_two(by_both.0, by_both.1, &two), []);
        // A column that anybody may write stands for the tenant.
        let stood_for = with(|schema| {
            let note = schema.tables.get_mut(&named("note")).expect("a table");
            note.columns.push(Column::new("other_shop", Type::Text));
            let columns = ["other_shop", "order_id"];
            let key = ForeignKey::new(columns, named("orders"), ["shop", "id"]);
            note.foreign_keys.insert("note_order_id_fkey".into(), key);
        });
        assert!(
            stood_for[0]
                .1
                .contains("; refer to `orders(shop, id)` by `(shop, order_id)` "),
            "{stood_for:?}"
        );
        // Whoever writes a table without policies refers to anybody's row.
        let open = |command: Command| {
            with(|schema| {
                let note = schema.tables.get_mut(&named("note")).expect("a table");
                note.rls = crate::schema::Rls::Disabled("a log".into());
                note.grants = [("app".to_owned(), [command].into())].into();
            })
        };
        assert_eq!(open(Command::Insert).len(), 1);
        assert_eq!(open(Command::Select), []);
        let other_kind = with(|schema| {
            let orders = schema.tables.get_mut(&named("orders")).expect("a table");
            orders.rls = Table::new("").rls;
            policy(orders, "own", None, &OWN.replace("app.shop", "app.user"));
        });
        assert!(
            other_kind[0].1.contains("; let both tables hold `shop`, "),
            "{other_kind:?}"
        );
    }
}
