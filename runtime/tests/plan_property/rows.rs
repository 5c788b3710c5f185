//! Rows that both schemas of a case can hold, and what is in a database.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::{Column, QualifiedName, Table, Type};
use tokio_postgres::Client;

use crate::case::Case;
use crate::types::shared_literal;

/// How many rows a table gets. The second has NULL wherever both schemas let it.
const ROWS: usize = 2;

/// A column of the first schema.
type Place = (QualifiedName, String);

/// The statements that fill the tables of the first schema. A column's value follows from its type and the
/// number of the row, so that foreign keys find what they reference.
pub(crate) fn inserts(case: &Case, empty: &BTreeSet<QualifiedName>) -> String {
    let types = shared_types(case);
    let referenced = referenced(case);
    let mut text = String::from("set session_replication_role = replica;\n");
    for (name, table) in &case.from.tables {
        if empty.contains(name) {
            continue;
        }
        let after = later(case, name);
        for row in 1..=ROWS {
            let stored = table
                .columns
                .iter()
                .filter(|column| column.computed.is_none());
            let (mut columns, mut values) = (Vec::new(), Vec::new());
            for column in stored {
                columns.push(quote(&column.name).into_owned());
                let place = (name.clone(), column.name.clone());
                let both = &types[&place];
                let nullable = column.nullable && after_nullable(after, column);
                let nullable = nullable && !referenced.contains(&place);
                values.push(match row > 1 && nullable {
                    true => "null".to_owned(),
                    false => quote_literal(&shared_literal(&both.0, &both.1, row)),
                });
            }
            let statement = format!(
                "insert into {name} ({}) overriding system value values ({})",
                columns.join(", "),
                values.join(", ")
            );
            text.push_str(&format!(
                "select helper.put({});\n",
                quote_literal(&statement)
            ));
        }
    }
    text.push_str("set session_replication_role = origin;\n");
    text
}

/// What becomes of a table, with its columns by their first names.
fn later<'a>(
    case: &'a Case,
    name: &QualifiedName,
) -> Option<(&'a Table, &'a BTreeMap<String, String>)> {
    let found = case.origins.iter().find(|(_, (old, _))| old == name);
    found.map(|(new, (_, columns))| (&case.to.tables[new], columns))
}

fn after_column<'a>(
    after: Option<(&'a Table, &'a BTreeMap<String, String>)>,
    column: &Column,
) -> Option<&'a Column> {
    let (table, columns) = after?;
    let (new, _) = columns.iter().find(|(_, old)| **old == column.name)?;
    table.column(new)
}

fn after_nullable(after: Option<(&Table, &BTreeMap<String, String>)>, column: &Column) -> bool {
    after_column(after, column).is_none_or(|column| column.nullable)
}

/// What foreign keys of either schema reference: NULL there would be no one's match.
fn referenced(case: &Case) -> BTreeSet<Place> {
    let named = |(_, table): (_, &Table)| -> Vec<Place> {
        let keys = table.foreign_keys.values();
        let names = keys.flat_map(|key| key.references.iter().map(|it| (&key.table, it)));
        let names = names.map(|(table, column)| (table.clone(), column.clone()));
        names.collect()
    };
    let later = case.to.tables.iter().flat_map(named);
    let later = later.filter_map(|(table, column)| origin(case, &table, &column));
    let first = case.from.tables.iter().flat_map(named);
    first.chain(later).collect()
}

/// Where a column of the second schema comes from.
pub(crate) fn origin(case: &Case, table: &QualifiedName, column: &String) -> Option<Place> {
    let (old, columns) = case.origins.get(table)?;
    Some((old.clone(), columns.get(column)?.clone()))
}

/// The types that a column has before and after; one pair for all columns that foreign keys link, in
/// either schema.
pub(crate) fn shared_types(case: &Case) -> BTreeMap<Place, (Type, Type)> {
    let mut groups: Vec<BTreeSet<Place>> = Vec::new();
    let mut types: BTreeMap<Place, (Type, Type)> = BTreeMap::new();
    for (name, table) in &case.from.tables {
        let after = later(case, name);
        for column in &table.columns {
            let place = (name.clone(), column.name.clone());
            let to = after_column(after, column).map_or(&column.ty, |column| &column.ty);
            types.insert(place.clone(), (column.ty.clone(), to.clone()));
            groups.push(BTreeSet::from([place]));
        }
    }
    let mut link = |a: Option<Place>, b: Option<Place>| {
        let (Some(a), Some(b)) = (a, b) else { return };
        let find = |groups: &[BTreeSet<Place>], place: &Place| {
            groups.iter().position(|group| group.contains(place))
        };
        if let (Some(first), Some(second)) = (find(&groups, &a), find(&groups, &b))
            && first != second
        {
            let other = groups[second].clone();
            groups[first].extend(other);
            groups.remove(second);
        }
    };
    for (name, table) in &case.from.tables {
        for key in table.foreign_keys.values() {
            for (own, other) in key.columns.iter().zip(&key.references) {
                link(
                    Some((name.clone(), own.clone())),
                    Some((key.table.clone(), other.clone())),
                );
            }
        }
    }
    for (name, table) in &case.to.tables {
        for key in table.foreign_keys.values() {
            for (own, other) in key.columns.iter().zip(&key.references) {
                link(origin(case, name, own), origin(case, &key.table, other));
            }
        }
    }
    for group in groups {
        let changed = group
            .iter()
            .map(|place| &types[place])
            .find(|(from, to)| from != to);
        if let Some(pair) = changed.cloned() {
            for place in group {
                types.insert(place, pair.clone());
            }
        }
    }
    types
}

/// Everything in every table: by table, by column, the values in the order of all of them.
pub(crate) type Contents = BTreeMap<QualifiedName, Vec<BTreeMap<String, Option<String>>>>;

/// Reads every table that no partition is.
pub(crate) async fn contents(client: &Client) -> Contents {
    let tables = format!(
        "select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ({})
         order by 1, 2",
        crate::database::namespaces()
    );
    let mut contents = Contents::new();
    let mut text = String::new();
    let mut names = Vec::new();
    for row in client.query(&tables, &[]).await.expect("the tables") {
        let name = QualifiedName::new(row.get::<_, String>(0), row.get::<_, String>(1));
        text.push_str(&format!("select * from {name};\n"));
        names.push(name);
    }
    let mut index = 0;
    for message in client.simple_query(&text).await.expect("the rows") {
        match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                let columns = row.columns().iter().enumerate();
                let values =
                    columns.map(|(i, c)| (c.name().to_owned(), row.get(i).map(str::to_owned)));
                contents
                    .entry(names[index].clone())
                    .or_default()
                    .push(values.collect());
            }
            tokio_postgres::SimpleQueryMessage::CommandComplete(_) => index += 1,
            _ => {}
        }
    }
    for rows in contents.values_mut() {
        rows.sort();
    }
    for name in names {
        contents.entry(name).or_default();
    }
    contents
}

/// Takes the rows of every table away, and keeps them; gives the statements that bring them back.
pub(crate) async fn set_aside(client: &Client) -> String {
    let tables = format!(
        "select c.oid::regclass::text, string_agg(quote_ident(a.attname), ', ')
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid
         where a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
           and c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ({})
           and n.nspname <> 'auth'
         group by c.oid",
        crate::database::namespaces()
    );
    let tables = client.query(&tables, &[]).await.expect("the tables");
    let (mut away, mut back) = (String::new(), String::new());
    for (number, row) in tables.iter().enumerate() {
        let (table, columns): (&str, &str) = (row.get(0), row.get(1));
        away.push_str(&format!(
            "create temp table aside_{number} as select {columns} from {table};\ndelete from {table};\n"
        ));
        back.push_str(&format!(
            "delete from {table};\n\
             insert into {table} ({columns}) overriding system value select {columns} from aside_{number};\n\
             drop table aside_{number};\n"
        ));
    }
    let quietly = |text: String| {
        format!(
            "set session_replication_role = replica;\n{text}set session_replication_role = origin;\n"
        )
    };
    let gone = client.batch_execute(&quietly(away)).await;
    gone.expect("the rows are set aside");
    quietly(back)
}

/// The rows of a table as far as some columns go, in an order of their own.
pub(crate) fn project(
    contents: &Contents,
    table: &QualifiedName,
    columns: &[&String],
) -> Vec<Vec<Option<String>>> {
    let rows = contents.get(table).into_iter().flatten();
    let mut rows: Vec<Vec<Option<String>>> = rows
        .map(|row| {
            columns
                .iter()
                .map(|c| row.get(*c).cloned().flatten())
                .collect()
        })
        .collect();
    rows.sort();
    rows
}
