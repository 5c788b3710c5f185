//! A new row, and the columns that may be set beyond those it must hold.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Visibility};
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::Deferrable;
use tabellion_syntax::ast::{Column, Table};
use tabellion_syntax::predicate::plain;

use super::{Read, fields, impls};

pub(super) fn new_row(read: &Read<'_>) -> TokenStream {
    let (table, input) = (read.table, read.input);
    let ident = &table.ident;
    let new = Ident::new(&format!("New{}", plain(ident)), ident.span());
    let vis = &input.vis;
    let required: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| column.is_required())
        .collect();
    let idents = required.iter().map(|column| &column.ident);
    let types = required.iter().map(|column| fields::written(column));
    let visibilities = required.iter().map(|column| visibility(column, input));
    let names = required
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let pushes = required.iter().map(|column| {
        let field = &column.ident;
        impls::push(column, quote!(self.#field))
    });
    let bind = match read.is_right {
        true => quote!(#(#pushes)*),
        false => TokenStream::new(),
    };
    let doc = format!(
        "A new row of [`{ident}`]: what it must hold. The rest is left to the database, or set by column."
    );
    let columns = constants(read);
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #vis struct #new {
            #(#[allow(missing_docs)] #visibilities #idents: #types,)*
        }
        #[diagnostic::do_not_recommend]
        impl ::tabellion::NewRow for #new {
            type Table = #ident;
            const COLUMNS: &'static [&'static ::core::primitive::str] = &[#(#names),*];
            fn bind(self, params: &mut ::tabellion::Params) {
                _ = &params;
                #bind
            }
        }
        #columns
    }
}

/// A constant for each column that a statement may set, and for each key that it may look for.
fn constants(read: &Read<'_>) -> TokenStream {
    let ident = &read.table.ident;
    let mut seen: Vec<String> = Vec::new();
    let mut all = TokenStream::new();
    for column in read.table.columns.iter().filter(|it| it.is_settable()) {
        let constant = plain(&column.ident).to_uppercase();
        if seen.contains(&constant) {
            continue; // reported where the fields are read
        }
        seen.push(constant.clone());
        let constant = Ident::new(&constant, column.ident.span());
        let vis = visibility(column, read.input);
        let ty = fields::written(column);
        let name = sql_quote(&column.name.value).into_owned();
        let doc = format!("The column `{}`.", column.name.value);
        let fixed = match read.table.is_changeable(column) {
            true => TokenStream::new(),
            false => quote!(, ::tabellion::query::Fixed),
        };
        all.extend(quote! {
            #[doc = #doc]
            #vis const #constant: ::tabellion::Column<Self, #ty #fixed> =
                ::tabellion::Column::new(#name);
        });
    }
    let vis = &read.input.vis;
    for columns in keys(read.table) {
        let fields = columns
            .iter()
            .map(|column| plain(&column.ident).to_uppercase());
        let constant = format!("{}_KEY", fields.collect::<Vec<_>>().join("_"));
        if seen.contains(&constant) {
            continue; // a column's own, or the same key once more
        }
        seen.push(constant.clone());
        let constant = Ident::new(&constant, ident.span());
        let names = columns
            .iter()
            .map(|column| sql_quote(&column.name.value).into_owned());
        all.extend(quote! {
            #[allow(missing_docs)]
            #vis const #constant: ::tabellion::query::UniqueKey<Self> =
                ::tabellion::query::UniqueKey::new(&[#(#names),*]);
        });
    }
    quote! {
        #[allow(dead_code)]
        impl #ident {
            #all
        }
    }
}

/// The keys that ON CONFLICT takes and whose columns a statement may set: no deferrable one, and no partial index
/// (<https://www.postgresql.org/docs/15/sql-insert.html#SQL-ON-CONFLICT>).
fn keys(table: &Table) -> Vec<Vec<&Column>> {
    let column = |field: &Ident| table.column(field).filter(|column| column.is_settable());
    let mut keys: Vec<Option<Vec<&Column>>> = Vec::new();
    if table.primary_key_deferrable == Deferrable::Not && !table.primary_key.is_empty() {
        keys.push(table.primary_key.iter().map(column).collect());
    }
    let uniques = table.uniques.iter();
    let uniques = uniques.filter(|key| key.deferrable == Deferrable::Not);
    keys.extend(uniques.map(|key| key.columns.iter().map(column).collect()));
    let indexes = table.indexes.iter();
    let indexes = indexes.filter(|index| index.unique.is_some() && index.predicate.is_none());
    keys.extend(indexes.map(|index| {
        let fields = index.columns.iter();
        fields.map(|it| it.field().and_then(column)).collect()
    }));
    keys.into_iter().flatten().collect()
}

/// The visibility of the field: whoever may read a column may set it.
fn visibility<'a>(column: &Column, input: &'a DeriveInput) -> &'a Visibility {
    if let Data::Struct(data) = &input.data {
        for field in &data.fields {
            if field.ident.as_ref() == Some(&column.ident) {
                return &field.vis;
            }
        }
    }
    &Visibility::Inherited
}
