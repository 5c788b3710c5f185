//! The SQL text of a statement. Every name in it is a constant of the program, every value a parameter.

use std::fmt::Write as _;

use tabellion_sql::ident::quote_literal;

use super::{Index, Key, Piece, Shape};

impl Key {
    /// The statement's text. Written once per connection that prepares it.
    pub(crate) fn sql(&self) -> String {
        let table = self.table();
        let (name, all) = (table.name, table.columns);
        match &self.shape {
            Shape::Finder {
                index,
                equal,
                reverse,
                limited,
            } => finder(name, all, index.0, *equal, *reverse, *limited),
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
            Shape::Finder {
                index: of, equal, ..
            } => of.0.columns[..*equal].get(index).map(|column| column.0),
            Shape::Find { key } | Shape::Delete { key } => key.get(index).copied(),
            Shape::Insert { columns, .. } => columns.get(index).copied(),
            Shape::Update { columns, key, .. } => columns.iter().chain(*key).nth(index).copied(),
        };
        plain(column.unwrap_or("limit"))
    }
}

fn finder(
    name: &str,
    all: &[&str],
    index: &Index,
    equal: usize,
    reverse: bool,
    limited: bool,
) -> String {
    let mut sql = format!("select {} from {name}", all.join(", "));
    let (given, open) = index.columns.split_at(equal);
    let conditions = (given.iter().zip(1..))
        .map(|((column, _), n)| format!("{column} = ${n}"))
        .chain(predicate(index.predicate));
    for (n, condition) in conditions.enumerate() {
        let word = if n == 0 { "where" } else { "and" };
        let _ = write!(sql, " {word} {condition}");
    }
    // PostgreSQL reads along an index only where the order is the index's own, NULLs included.
    for (n, (column, order)) in open.iter().enumerate() {
        let word = if n == 0 { " order by" } else { "," };
        let order = if reverse { order.reversed() } else { *order };
        let _ = write!(sql, "{word} {column}{}", order.as_sql());
    }
    if limited {
        let _ = write!(sql, " limit ${}", equal + 1);
    }
    sql
}

/// The predicate of a partial index, which lets the planner use it.
fn predicate(pieces: &[Piece]) -> Option<String> {
    let text: String = (pieces.iter())
        .map(|piece| match piece {
            Piece::Sql(text) => (*text).to_owned(),
            Piece::Text(text) => quote_literal(text()),
        })
        .collect();
    (!text.is_empty()).then(|| format!("({text})"))
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
    use crate::query::{ByAddress, Order, TableInfo};

    const fn open() -> &'static str {
        "it's open"
    }

    static TABLE: TableInfo = TableInfo {
        name: "public.orders",
        columns: &["id", "shop", "\"Order\"", "due"],
    };
    static OPEN: Index = Index {
        columns: &[
            ("shop", Order::Ascending),
            ("due", Order::Descending),
            ("id", Order::Ascending),
        ],
        predicate: &[Piece::Sql("state = "), Piece::Text(open)],
    };

    fn sql(shape: Shape) -> String {
        Key::new(&TABLE, shape).sql()
    }

    #[test]
    fn a_finder_sends_its_where_the_predicate_and_the_order_of_the_index() {
        let finder = |equal, reverse, limited| {
            let index = ByAddress(&OPEN);
            sql(Shape::Finder {
                index,
                equal,
                reverse,
                limited,
            })
        };
        assert_eq!(
            finder(1, false, true),
            "select id, shop, \"Order\", due from public.orders where shop = $1 \
             and (state = 'it''s open') order by due desc, id limit $2"
        );
        assert_eq!(
            finder(2, true, false),
            "select id, shop, \"Order\", due from public.orders where shop = $1 and due = $2 \
             and (state = 'it''s open') order by id desc"
        );
        assert!(finder(3, false, false).ends_with("id = $3 and (state = 'it''s open')"));
    }

    #[test]
    fn nulls_stand_where_the_index_has_them() {
        static INDEX: Index = Index {
            columns: &[
                ("shop", Order::AscendingNullsFirst),
                ("due", Order::DescendingNullsLast),
                ("rank", Order::AscendingNullsFirst),
            ],
            predicate: &[],
        };
        let finder = |reverse| {
            sql(Shape::Finder {
                index: ByAddress(&INDEX),
                equal: 1,
                reverse,
                limited: false,
            })
        };
        let forward = finder(false);
        assert!(
            forward.ends_with("where shop = $1 order by due desc nulls last, rank nulls first"),
            "{forward}"
        );
        let back = finder(true);
        assert!(
            back.ends_with("where shop = $1 order by due nulls first, rank desc nulls last"),
            "{back}"
        );
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
    fn a_name_in_an_error_is_plain() {
        assert_eq!(plain("public.orders"), "orders");
        assert_eq!(plain("shop.\"Or\"\"der.s\""), "shop.Or\"der.s");
        assert_eq!(plain("\"Order\""), "Order");
    }
}
