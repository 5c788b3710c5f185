//! A new row, and the columns that may be set beyond those it must hold.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Data, DeriveInput, Visibility};
use tabellion_sql::ident::quote as sql_quote;
use tabellion_syntax::ast::Column;
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
        .filter(|column| is_required(column))
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
    let columns = columns(read);
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

/// A constant for each column that a statement may set.
fn columns(read: &Read<'_>) -> TokenStream {
    let ident = &read.table.ident;
    let mut seen: Vec<String> = Vec::new();
    let settable = read
        .table
        .columns
        .iter()
        .filter(|column| column.is_settable());
    let constants = settable.filter_map(|column| {
        let constant = plain(&column.ident).to_uppercase();
        if seen.contains(&constant) {
            return None; // reported where the fields are read
        }
        seen.push(constant.clone());
        let constant = Ident::new(&constant, column.ident.span());
        let vis = visibility(column, read.input);
        let ty = fields::written(column);
        let name = sql_quote(&column.name.value).into_owned();
        let doc = format!("The column `{}`.", column.name.value);
        Some(quote! {
            #[doc = #doc]
            #vis const #constant: ::tabellion::Column<Self, #ty> = ::tabellion::Column::new(#name);
        })
    });
    quote! {
        #[allow(dead_code)]
        impl #ident {
            #(#constants)*
        }
    }
}

/// NOT NULL, and nothing that the database would put there.
fn is_required(column: &Column) -> bool {
    !column.nullable && !column.is_filled()
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
