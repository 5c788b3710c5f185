//! A column of a type that somebody made, on a table with row-level security.

use super::said::{Known, is_read};
use super::{Level, Page, Place, Rule};
use crate::schema::built_in::is_built_in;
use crate::schema::{QualifiedName, Schema, Table, Type, extension};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "native-enum",
        level: Level::Warning,
        summary: "a column of a type of your own, on a table with row-level security",
        text: "\
What happens:
  Where the type is an enum of PostgreSQL, no index serves a comparison with the column under row-level security,
  and each query reads the whole table or all of the tenant's rows.

Why:
  The operators of enums are not leakproof, so that they wait until the policy has been checked. A value that
  was added to an enum also cannot be used in its own migration, and none is ever removed.

Seen, on 1,000,000 rows of 1,000 tenants:
  `=` on a native enum read 23,877 buffers where `=` on text read 204.

To mend it:
  Derive `TextEnum` on the Rust enum and take `type = \"...\"` away: the column is text with a CHECK, which any index
  serves, and which a migration extends.

To allow it:
  The build cannot see what kind of type it is. Of a domain over text nothing of this is true:
  #[allow_rule(\"native-enum\", reason = \"`sku` is a domain over text\")]",
    },
    check,
};

fn check(_: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    if !is_read(table) {
        return Vec::new();
    }
    let columns = table.columns.iter();
    let own = columns.filter(|column| may_be_one(&column.ty));
    let found = own.map(|column| {
        let message = format!(
            "column `{}.{}` is of the type `{}`, and if that is an enum no index serves a comparison with it under \
             row-level security; derive `TextEnum` for it instead",
            name.name, column.name, column.ty
        );
        (Place::Column(column.name.clone()), message)
    });
    found.collect()
}

/// Whether a type may be an enum: neither PostgreSQL nor an extension in wide use has it.
pub(super) fn may_be_one(ty: &Type) -> bool {
    let element = match ty {
        Type::Array(element) => return may_be_one(element),
        Type::Named(_) => ty.internal_name(),
        _ => return false,
    };
    // Of an extension the schema is whatever the emitter was told.
    let bare = element.rsplit('.').next().unwrap_or(&element);
    !is_built_in(bare) && extension::of_type(bare).is_none()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, tenant_table};
    use super::*;

    #[test]
    fn native_enum() {
        let of = |ty: &str| {
            found("native-enum", |schema| {
                let ty = ty.parse().expect("a type");
                tenant_table(schema, "note").columns[0].ty = ty;
            })
        };
        for ty in ["mood", "public.mood", "\"Mood\"", "mood[]"] {
            let found = of(ty);
            assert_eq!(found.len(), 1, "{ty}");
            assert_eq!(found[0].0, Place::Column("id".into()));
        }
        for ty in [
            "text",
            "inet",
            "citext",
            "extensions.vector(3)",
            "tsvector",
            "numrange[]",
            "xid",
            "xid8",
            "xml",
        ] {
            assert_eq!(of(ty), [], "{ty}");
        }
    }
}
