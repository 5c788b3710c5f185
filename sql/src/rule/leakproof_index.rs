//! An index under row-level security that no query can use.
//!
//! PostgreSQL evaluates what a query asks before a policy only where its operators are leakproof
//! (<https://www.postgresql.org/docs/15/rules-privileges.html>), and a condition on an index comes first.

use super::said::{Known, is_read};
use super::{Level, Page, Place, Rule, native_enum};
use crate::schema::{BTREE, Index, IndexColumn, QualifiedName, Schema, Table, Type};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "leakproof-index",
        level: Level::Warning,
        summary: "an index on a table with row-level security that no leakproof operator can use",
        text: "\
What happens:
  The index is kept up to date with every write, and no query of a scope reads along it: the whole table is read
  instead, or all of the tenant's rows.

Why:
  A policy must be checked before anything that could tell what a row holds. PostgreSQL lets a condition come
  first, which reading along an index means, only where the operator is marked leakproof: it raises no error that
  quotes a value. Leakproof are `=`, `<`, `<=`, `>` and `>=` on integers, floats, text, boolean, uuid, bytea, dates,
  times, intervals, inet and money. Not leakproof is anything on numeric, jsonb, arrays, ranges, tsvector, citext
  and native enums; LIKE and regular expressions; and every function, such as lower(x).

Seen, on 1,000,000 rows of 1,000 tenants:
  `tags @> '{a}'` along a GIN index took 0.56 ms, and 105 to 175 ms under row-level security. `=` on a native enum
  read 23,877 buffers where text read 204.
  An index of vectors is read, but in order of distance over every tenant's rows; the policy sorts out
  afterwards, so that fewer rows come back than were asked for.

To mend it:
  Put the policy's column first: `#[index(columns(shop, amount))]`; what the rest of the index holds is then
  checked among the tenant's rows. Money can be a bigint of cents. In place of an index of lower(email), index a column
  `#[column(generated = sql(\"lower(email)\"))]`. Elements of an array can be rows of a table. Or remove the index.

To allow it:
  #[allow_rule(\"leakproof-index\", reason = \"reports read along it as a role that bypasses\")]",
    },
    check,
};

fn check(_: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    if !is_read(table) {
        return Vec::new();
    }
    let indexes = table.indexes.iter().filter_map(|(index, definition)| {
        let fact = fault(table, definition)?;
        let message = format!(
            "index `{index}` on table `{}` {fact}; put a column first that the policies compare, or remove it",
            name.name
        );
        Some((Place::Index(index.clone()), message))
    });
    indexes.collect()
}

/// What keeps queries from an index.
fn fault(table: &Table, index: &Index) -> Option<String> {
    // One that is unique is there to keep rows out, whoever reads along it.
    if index.unique {
        return None;
    }
    if matches!(index.method.as_str(), "hnsw" | "ivfflat") {
        return Some(
            "finds the nearest rows of all tenants, of which row-level security leaves few".into(),
        );
    }
    // Some methods are entered by any column, the others by the first.
    let entries = match index.method.as_str() {
        BTREE | "hash" | "spgist" => 1,
        _ => index.columns.len(),
    };
    let faults = index.columns.iter().take(entries);
    let mut faults = faults.map(|column| part(table, column));
    // One that can be used is enough.
    let first = faults.next()??;
    faults.all(|fault| fault.is_some()).then_some(first)
}

/// What keeps queries from entering by one part of an index.
fn part(table: &Table, part: &IndexColumn) -> Option<String> {
    let unused = "row-level security keeps every query from reading along it";
    let Some(column) = part.name() else {
        return Some(format!(
            "begins with an expression, and a function is not leakproof, so that {unused}"
        ));
    };
    if let Some(class) = part.opclass.as_deref().filter(|it| it.contains("trgm")) {
        return Some(format!(
            "begins with `{column}` as `{class}`, whose LIKE is not leakproof, so that {unused}"
        ));
    }
    let ty = &table.column(column)?.ty;
    if is_leakproof(ty) || native_enum::may_be_one(ty) {
        return None;
    }
    Some(format!(
        "begins with `{column}`, a `{ty}`, whose operators are not leakproof, so that {unused}"
    ))
}

/// Whether `=` of a type is leakproof. Source: `pg_proc.proleakproof` of PostgreSQL 15 for the operators of
/// `pg_amop` that B-trees use.
fn is_leakproof(ty: &Type) -> bool {
    const NAMED: [&str; 16] = [
        "\"char\"", "bit", "bpchar", "cidr", "inet", "macaddr", "macaddr8", "money", "name", "oid",
        "pg_lsn", "tid", "timetz", "varbit", "xid", "xid8",
    ];
    match ty {
        Type::Numeric(_) | Type::Jsonb | Type::Array(_) => false,
        Type::Named(_) => NAMED.contains(&ty.internal_name().as_str()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Found, found, tenant_table};
    use super::*;
    use crate::schema::{Column, Expr, IndexKey};

    fn says(index: Index) -> Vec<Found> {
        found("leakproof-index", |schema| {
            let table = tenant_table(schema, "note");
            let money = Type::Numeric(None);
            table.columns.push(Column::new("amount", money));
            let tags = Type::Array(Box::new(Type::Text));
            table.columns.push(Column::new("tags", tags));
            table.columns.push(Column::new("body", Type::Text));
            table.indexes.insert("i".into(), index);
        })
    }

    fn over(columns: &[&str]) -> Index {
        Index::new(columns.iter().map(|column| IndexColumn::new(*column)))
    }

    fn by(method: &str, columns: &[&str]) -> Index {
        Index {
            method: method.into(),
            ..over(columns)
        }
    }

    #[test]
    fn leakproof_index() {
        let lower = Expr::new("lower(body)", ["body"]);
        let lower = Index::new([IndexColumn::over(IndexKey::Expression(lower))]);
        let trgm = Index {
            method: "gin".into(),
            ..Index::new([IndexColumn {
                opclass: Some("gin_trgm_ops".into()),
                ..IndexColumn::new("body")
            }])
        };
        for (index, fact) in [
            (over(&["amount"]), "begins with `amount`, a `numeric`, "),
            (over(&["amount", "shop"]), "begins with `amount`, "),
            (by("gin", &["tags"]), "begins with `tags`, a `text[]`, "),
            (lower.clone(), "begins with an expression, "),
            (trgm, "begins with `body` as `gin_trgm_ops`, "),
            (
                by("hnsw", &["body"]),
                "finds the nearest rows of all tenants",
            ),
        ] {
            let found = says(index);
            let [(place, message)] = found.as_slice() else {
                panic!("{found:?}");
            };
            assert_eq!(*place, Place::Index("i".into()));
            assert!(
                message.starts_with(&format!("index `i` on table `note` {fact}")),
                "{message}"
            );
        }
        for index in [
            over(&["shop", "amount"]),
            over(&["body"]),
            by("gin", &["tags", "shop"]),
            by("brin", &["amount", "id"]),
            Index {
                unique: true,
                ..lower
            },
        ] {
            assert_eq!(says(index.clone()), [], "{index:?}");
        }
        // Nobody reads the table as a role that policies hold for.
        let closed = found("leakproof-index", |schema| {
            let table = tenant_table(schema, "note");
            table.columns[0].ty = Type::Numeric(None);
            table.indexes.insert("i".into(), over(&["id"]));
            table.rls = Table::new("").rls;
        });
        assert_eq!(closed, []);
    }
}
