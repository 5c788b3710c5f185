//! The SQL text of a statement. Every name in it is a constant of the program, every value a parameter.

use std::fmt::Write as _;

use super::insert_many::is_array;
use super::upsert::Conflict;
use super::{Key, Lock, Shape};

impl Key {
    /// The statement's text. Written once per connection that prepares it.
    pub(crate) fn sql(&self) -> String {
        let table = self.table();
        let (name, all) = (table.name, table.columns);
        match &self.shape {
            Shape::Select(select) => select.sql(name, all),
            Shape::Unindexed { counted, limited } => {
                let limit = if *limited { " limit $1" } else { "" };
                match counted {
                    true => format!("select count(*) from (select 1 from {name}{limit}) found"),
                    false => format!("select {} from {name}{limit}", all.join(", ")),
                }
            }
            Shape::Find { key, lock } => format!(
                "select {} from {name}{}{}",
                all.join(", "),
                by_key(key, 0),
                lock.map(Lock::as_sql).unwrap_or_default()
            ),
            Shape::Insert {
                columns,
                conflict,
                version,
                returning,
            } => {
                let values = match columns.len() {
                    0 => " default values".to_owned(),
                    count => {
                        let places: Vec<_> = (1..=count).map(|n| format!("${n}")).collect();
                        format!(" ({}) values ({})", columns.join(", "), places.join(", "))
                    }
                };
                let (held, conflict) = match conflict {
                    Some(conflict) => (" as held", on_conflict(conflict, *version)),
                    None => ("", String::new()),
                };
                format!(
                    "insert into {name}{held}{values}{conflict}{}",
                    self::returning(all, *returning)
                )
            }
            Shape::InsertMany {
                columns,
                types,
                returning,
            } => format!(
                "insert into {name}{}{}",
                unnested(columns, types),
                self::returning(all, *returning)
            ),
            Shape::Update {
                columns,
                key,
                version,
                expected,
                returning,
            } => format!(
                "update {name} set {}{}{}{}",
                set(columns, 0, *version),
                by_key(key, columns.len()),
                expects(version.filter(|_| *expected), columns.len() + key.len()),
                self::returning(all, *returning)
            ),
            Shape::Delete { key, version } => format!(
                "delete from {name}{}{}",
                by_key(key, 0),
                expects(*version, key.len())
            ),
            Shape::UpdateFound {
                select,
                columns,
                version,
                returning,
            } => format!(
                "update {name} set {} where {}{}",
                set(columns, select.parameters().len(), *version),
                select.condition(),
                self::returning(all, *returning)
            ),
            Shape::DeleteFound { select, returning } => format!(
                "delete from {name} where {}{}",
                select.condition(),
                self::returning(all, *returning)
            ),
            Shape::Raw(raw) => raw.sql.0.to_owned(),
        }
    }

    /// The column whose value a parameter is, counted from 0; for errors.
    pub(crate) fn parameter(&self, index: usize) -> String {
        let column = match &self.shape {
            Shape::Select(select) => select.numbered().get(index).copied(),
            Shape::Unindexed { .. } | Shape::Raw(_) => None,
            Shape::Find { key, .. } => key.get(index).copied(),
            Shape::Delete { key, version } => key.iter().chain(version).nth(index).copied(),
            Shape::UpdateFound {
                select, columns, ..
            } => {
                let found = select.parameters();
                found.iter().chain(columns).nth(index).copied()
            }
            Shape::DeleteFound { select, .. } => select.parameters().get(index).copied(),
            Shape::Insert { columns, .. } => columns.get(index).copied(),
            Shape::InsertMany { columns, types, .. } => {
                let mut named = (columns.iter().zip(types))
                    .flat_map(|(column, ty)| std::iter::repeat_n(*column, places(ty)));
                named.nth(index)
            }
            Shape::Update {
                columns,
                key,
                version,
                ..
            } => {
                let mut named = columns.iter().chain(*key).chain(version);
                named.nth(index).copied()
            }
        };
        plain(column.unwrap_or("limit"))
    }
}

/// What SET says: each column with its parameter, behind so many others, and the version raised.
fn set(columns: &[&str], before: usize, version: Option<&str>) -> String {
    let set = columns.iter().zip(before + 1..);
    let set = set.map(|(column, n)| format!("{column} = ${n}"));
    let raised = version.map(|version| format!("{version} = {version} + 1"));
    set.chain(raised).collect::<Vec<_>>().join(", ")
}

/// The condition on the version that a row must have.
fn expects(version: Option<&str>, before: usize) -> String {
    version.map_or_else(String::new, |version| {
        format!(" and {version} = ${}", before + 1)
    })
}

/// What becomes of a row whose key another one has; that one is called `held`.
fn on_conflict(conflict: &Conflict, version: Option<&str>) -> String {
    let key = conflict.key.join(", ");
    if conflict.update.is_empty() {
        return format!(" on conflict ({key}) do nothing");
    }
    let taken = conflict.update.iter();
    let taken = taken.map(|column| format!("{column} = excluded.{column}"));
    let raised = version.map(|version| format!("{version} = held.{version} + 1"));
    let set = taken.chain(raised).collect::<Vec<_>>().join(", ");
    format!(" on conflict ({key}) do update set {set}")
}

/// How many parameters hold the values of a column of that type.
fn places(ty: &str) -> usize {
    if is_array(ty) { 3 } else { 1 }
}

/// The rows that arrays hold. Function and types are named in full. A SELECT takes its arrays side by side, and
/// passes each row on as it is made; in FROM each array would first be stored as a table of its own.
fn unnested(columns: &[&str], types: &[&str]) -> String {
    if columns.is_empty() {
        return " select from pg_catalog.generate_series(1, $1::pg_catalog.int4)".to_owned();
    }
    let (mut values, mut arrays) = (Vec::new(), Vec::new());
    let mut unnest = |n: usize, ty: &str| {
        arrays.push(format!("pg_catalog.unnest(${n}::{ty}[]) as v{n}"));
    };
    let mut n = 1;
    for ty in types {
        if is_array(ty) {
            unnest(n + 1, "pg_catalog.int4");
            unnest(n + 2, "pg_catalog.int4");
            values.push(format!("(${n}::{ty})[v{}:v{}]", n + 1, n + 2));
        } else {
            unnest(n, ty);
            values.push(format!("v{n}"));
        }
        n += places(ty);
    }
    format!(
        " ({}) select {} from (select {}) given",
        columns.join(", "),
        values.join(", "),
        arrays.join(", ")
    )
}

fn by_key(key: &[&str], before: usize) -> String {
    let mut sql = String::new();
    for (n, column) in key.iter().enumerate() {
        let word = if n == 0 { "where" } else { "and" };
        let _ = write!(sql, " {word} {column} = ${}", before + n + 1);
    }
    sql
}

fn returning(all: &[&str], wanted: bool) -> String {
    if wanted {
        format!(" returning {}", all.join(", "))
    } else {
        String::new()
    }
}

/// A name as SQL without its quotes, and without the schema that everybody expects.
pub(crate) fn plain(name: &str) -> String {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let end = match rest.strip_prefix('"') {
            // A doubled quote belongs to the name.
            Some(quoted) => 1 + closing_quote(quoted),
            None => rest.find('.').unwrap_or(rest.len()),
        };
        let (part, tail) = rest.split_at(end.min(rest.len()));
        parts.push(match part.strip_prefix('"') {
            Some(quoted) => quoted
                .strip_suffix('"')
                .unwrap_or(quoted)
                .replace("\"\"", "\""),
            None => part.to_owned(),
        });
        rest = tail.strip_prefix('.').unwrap_or(tail);
    }
    match parts.as_slice() {
        [schema, table] if schema == "public" => table.clone(),
        _ => parts.join("."),
    }
}

/// Where the name behind an opening quote ends, its closing quote included.
fn closing_quote(quoted: &str) -> usize {
    let mut at = 0;
    while let Some(found) = quoted[at..].find('"') {
        at += found + 1;
        if !quoted[at..].starts_with('"') {
            return at;
        }
        at += 1;
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::TableInfo;

    static TABLE: TableInfo =
        TableInfo::of_rows("public.orders", &["id", "shop", "\"Order\"", "due"]);
    fn sql(shape: Shape) -> String {
        Key::new(&TABLE, shape).sql()
    }

    #[test]
    fn a_key_may_have_several_columns() {
        let key = &["shop", "id"];
        assert!(sql(Shape::Find { key, lock: None }).ends_with("where shop = $1 and id = $2"));
        assert_eq!(
            sql(Shape::Delete { key, version: None }),
            "delete from public.orders where shop = $1 and id = $2"
        );
        let columns = vec!["due"];
        let update = Key::new(
            &TABLE,
            Shape::Update {
                columns,
                key,
                version: None,
                expected: false,
                returning: true,
            },
        );
        assert_eq!(
            update.sql(),
            "update public.orders set due = $1 where shop = $2 and id = $3 \
             returning id, shop, \"Order\", due"
        );
        assert_eq!(update.parameter(0), "due");
        assert_eq!(update.parameter(2), "id");
    }

    #[test]
    fn an_insert_names_only_what_is_set() {
        let insert = |columns: &[&'static str]| {
            sql(Shape::Insert {
                columns: columns.to_vec(),
                conflict: None,
                version: None,
                returning: false,
            })
        };
        assert_eq!(
            insert(&["shop", "\"Order\""]),
            "insert into public.orders (shop, \"Order\") values ($1, $2)"
        );
        assert_eq!(insert(&[]), "insert into public.orders default values");
    }

    #[test]
    fn a_version_is_raised_by_every_update_and_compared_where_it_is_expected() {
        let key = &["id"];
        let version = Some("v");
        let update = |expected| {
            sql(Shape::Update {
                columns: vec!["due"],
                key,
                version,
                expected,
                returning: false,
            })
        };
        let raised = "update public.orders set due = $1, v = v + 1 where id = $2";
        assert_eq!(update(false), raised);
        assert_eq!(update(true), format!("{raised} and v = $3"));
        assert_eq!(
            sql(Shape::Delete { key, version }),
            "delete from public.orders where id = $1 and v = $2"
        );
        let insert = |update: &[&'static str]| {
            sql(Shape::Insert {
                columns: vec!["id", "due"],
                conflict: Some(Conflict {
                    key,
                    update: update.to_vec(),
                }),
                version,
                returning: false,
            })
        };
        let begin = "insert into public.orders as held (id, due) values ($1, $2) on conflict (id)";
        assert_eq!(insert(&[]), format!("{begin} do nothing"));
        assert_eq!(
            insert(&["due"]),
            format!("{begin} do update set due = excluded.due, v = held.v + 1")
        );
    }

    #[test]
    fn many_rows_are_arrays() {
        let insert = |columns: &[&'static str], types: &[&'static str]| {
            let shape = Shape::InsertMany {
                columns: columns.to_vec(),
                types: types.to_vec(),
                returning: false,
            };
            Key::new(&TABLE, shape)
        };
        let types = &["pg_catalog.text", "pg_catalog.int8[]", "citext"];
        let key = insert(&["shop", "\"Order\"", "due"], types);
        assert_eq!(
            key.sql(),
            "insert into public.orders (shop, \"Order\", due) select v1, ($2::pg_catalog.int8[])[v3:v4], v5 \
             from (select pg_catalog.unnest($1::pg_catalog.text[]) as v1, \
             pg_catalog.unnest($3::pg_catalog.int4[]) as v3, pg_catalog.unnest($4::pg_catalog.int4[]) as v4, \
             pg_catalog.unnest($5::citext[]) as v5) given"
        );
        let named: Vec<String> = (0..5).map(|n| key.parameter(n)).collect();
        assert_eq!(named, ["shop", "Order", "Order", "Order", "due"]);
        assert_eq!(
            insert(&[], &[]).sql(),
            "insert into public.orders select from pg_catalog.generate_series(1, $1::pg_catalog.int4)"
        );
    }

    #[test]
    fn a_name_in_an_error_is_plain() {
        assert_eq!(plain("public.orders"), "orders");
        assert_eq!(plain("shop.\"Or\"\"der.s\""), "shop.Or\"der.s");
        assert_eq!(plain("\"Order\""), "Order");
    }
}
