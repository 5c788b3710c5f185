//! A foreign key that leads from one tenant's row to another tenant's.
//!
//! The server checks foreign keys, and carries out their actions, past every policy
//! (<https://www.postgresql.org/docs/15/ddl-rowsecurity.html>).

use super::said::{Known, tenants, writers};
use super::{Level, Page, Place, Rule};
use crate::schema::{QualifiedName, Schema, Table};

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
    let writers = writers(known, table);
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
        let carries = |own: &str| {
            pairs().any(|(column, reference)| column == own && theirs.contains_key(reference))
        };
        let open = writers
            .iter()
            .find(|tenant| !tenant.equals.iter().any(|equal| carries(&equal.column)));
        let Some(tenant) = open else {
            continue;
        };
        let (own, referenced) = (&tenant.equals[0].column, &definition.table.name);
        let same = theirs.iter().find_map(|(column, sessions)| {
            let is_same = |equal: &super::said::Equal| sessions.contains(&equal.session);
            let equal = tenant.equals.iter().find(|equal| is_same(equal))?;
            Some((&equal.column, column))
        });
        let remedy = match same {
            Some((own, their)) => format!(
                "refer to `{referenced}({their}, {})` by `({own}, {})`",
                definition.references.join(", "),
                definition.columns.join(", ")
            ),
            None => format!("let both tables hold `{own}`, and the key carry it"),
        };
        let message = format!(
            "foreign key `{key}` on table `{}` leads to a row of `{referenced}` whose tenant may be another; {remedy}",
            name.name
        );
        found.push((Place::Key(key.clone()), message));
    }
    found
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
