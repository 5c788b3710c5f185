//! The SQL text of a statement. Every name in it is a constant of the program, every value a parameter.

use std::fmt::Write as _;

use super::insert_many::is_array;
use super::{Key, Shape};

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
            Shape::Find { key } => {
                format!("select {} from {name}{}", all.join(", "), by_key(key, 0))
            }
            Shape::Insert { columns, returning } => {
                let values = match columns.len() {
                    0 => " default values".to_owned(),
                    count => {
                        let places: Vec<_> = (1..=count).map(|n| format!("${n}")).collect();
                        format!(" ({}) values ({})", columns.join(", "), places.join(", "))
                    }
                };
                format!(
                    "insert into {name}{values}{}",
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
                returning,
            } => {
                let set: Vec<_> = (columns.iter().zip(1..))
                    .map(|(column, n)| format!("{column} = ${n}"))
                    .collect();
                format!(
                    "update {name} set {}{}{}",
                    set.join(", "),
                    by_key(key, columns.len()),
                    self::returning(all, *returning)
                )
            }
            Shape::Delete { key } => format!("delete from {name}{}", by_key(key, 0)),
        }
    }

    /// The column whose value a parameter is, counted from 0; for errors.
    pub(crate) fn parameter(&self, index: usize) -> String {
        let column = match &self.shape {
            Shape::Select(select) => select.parameters().get(index).copied(),
            Shape::Unindexed { .. } => None,
            Shape::Find { key } | Shape::Delete { key } => key.get(index).copied(),
            Shape::Insert { columns, .. } => columns.get(index).copied(),
            Shape::InsertMany { columns, types, .. } => {
                let mut named = (columns.iter().zip(types))
                    .flat_map(|(column, ty)| std::iter::repeat_n(*column, places(ty)));
                named.nth(index)
            }
            Shape::Update { columns, key, .. } => columns.iter().chain(*key).nth(index).copied(),
        };
        plain(column.unwrap_or("limit"))
    }
}

/// How many parameters hold the values of a column of that type.
fn places(ty: &str) -> usize {
    if is_array(ty) { 3 } else { 1 }
}

/// The rows that arrays hold. Function and types are named in full, and `rows from` takes the arrays side by side.
fn unnested(columns: &[&str], types: &[&str]) -> String {
    if columns.is_empty() {
        return " select from pg_catalog.generate_series(1, $1::pg_catalog.int4)".to_owned();
    }
    let (mut values, mut arrays, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut unnest = |n: usize, ty: &str| {
        arrays.push(format!("pg_catalog.unnest(${n}::{ty}[])"));
        names.push(format!("v{n}"));
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
        " ({}) select {} from rows from ({}) given({})",
        columns.join(", "),
        values.join(", "),
        arrays.join(", "),
        names.join(", ")
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

    static TABLE: TableInfo = TableInfo {
        name: "public.orders",
        columns: &["id", "shop", "\"Order\"", "due"],
    };
    fn sql(shape: Shape) -> String {
        Key::new(&TABLE, shape).sql()
    }

    #[test]
    fn a_key_may_have_several_columns() {
        let key = &["shop", "id"];
        assert!(sql(Shape::Find { key }).ends_with("where shop = $1 and id = $2"));
        assert_eq!(
            sql(Shape::Delete { key }),
            "delete from public.orders where shop = $1 and id = $2"
        );
        let columns = vec!["due"];
        let update = Key::new(
            &TABLE,
            Shape::Update {
                columns,
                key,
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
             from rows from (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.int4[]), \
             pg_catalog.unnest($4::pg_catalog.int4[]), pg_catalog.unnest($5::citext[])) given(v1, v3, v4, v5)"
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
