//! Which fields a constraint is about: what an error of the server says only by the constraint's name.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use tabellion_sql::raw::expression;
use tabellion_syntax::ast::{Table, TypeRef};
use tabellion_syntax::lower::{enum_check, primary_key};
use tabellion_syntax::predicate::{Predicate, Value, plain};

/// The constant that holds the name of each constraint and unique index with the fields' names. Of a broken table none:
/// it may have no constraint by any name.
pub(super) fn constraints(table: &Table, is_right: bool) -> TokenStream {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let name = &table.name.value;
    if !table.primary_key.is_empty() {
        all.insert(primary_key(name), fields(&table.primary_key));
    }
    for unique in &table.uniques {
        all.insert(unique.name.value.clone(), fields(&unique.columns));
    }
    for index in table.indexes.iter().filter(|it| it.unique.is_some()) {
        let columns = index.columns.iter().filter_map(|column| column.field());
        all.insert(index.name.value.clone(), fields(columns));
    }
    for key in &table.foreign_keys {
        all.insert(key.name.value.clone(), fields(&key.columns));
    }
    for exclusion in &table.exclusions {
        let columns = exclusion.elements.iter().filter_map(|(it, _)| it.field());
        all.insert(exclusion.name.value.clone(), fields(columns));
    }
    for column in &table.columns {
        if let TypeRef::Enum(_) | TypeRef::EnumArray(_) = column.ty {
            let name = enum_check(name, &column.name.value);
            all.insert(name, fields([&column.ident]));
        }
    }
    for check in &table.checks {
        all.insert(check.name.value.clone(), checked(table, &check.predicate));
    }
    if !is_right || all.is_empty() {
        return TokenStream::new();
    }
    let all = all
        .iter()
        .map(|(name, fields)| quote!((#name, &[#(#fields),*])));
    quote! {
        const CONSTRAINTS: &'static [::tabellion::query::Constraint] = &[#(#all),*];
    }
}

fn fields<'a>(idents: impl IntoIterator<Item = &'a Ident>) -> Vec<String> {
    idents.into_iter().map(plain).collect()
}

/// The fields that a CHECK reads, in the order of the struct.
fn checked(table: &Table, predicate: &Predicate) -> Vec<String> {
    let names: Vec<&str> = (table.columns.iter())
        .map(|column| column.name.value.as_str())
        .collect();
    let read: Vec<String> = match predicate {
        Predicate::Typed(_) => {
            let columns = predicate.values().into_iter();
            let columns = columns.filter_map(|value| match value {
                Value::Column(field) => table.column(field),
                _ => None,
            });
            columns.map(|column| column.name.value.clone()).collect()
        }
        Predicate::Sql(sql, _) => match expression(sql, &table.name.value, &names) {
            Ok(expr) => expr.columns.into_iter().collect(),
            Err(_) => Vec::new(),
        },
    };
    let columns = table.columns.iter();
    let columns = columns.filter(|column| read.contains(&column.name.value));
    fields(columns.map(|column| &column.ident))
}
