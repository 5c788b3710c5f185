//! A new row, and the columns that may be set beyond those it must hold.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Visibility};
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::Generated;
use tabellion_syntax::ast::{Column, Table};
use tabellion_syntax::predicate::plain;

use super::field_type;

pub(super) fn new_row(table: &Table, input: &DeriveInput) -> TokenStream {
    let ident = &table.ident;
    let new = format_ident!("New{ident}");
    let vis = &input.vis;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let required: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| is_required(column))
        .collect();
    let fields: Vec<&Ident> = required.iter().map(|column| &column.ident).collect();
    let types = required.iter().map(|column| field_type(column));
    let visibilities = required.iter().map(|column| visibility(column, input));
    let names = required
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let doc = format!(
        "A new row of [`{ident}`]: what it must hold. The rest is left to the database, or set by column."
    );
    let columns = columns(table, input);
    quote! {
        #[doc = #doc]
        #[allow(dead_code)]
        #vis struct #new #generics #bounds {
            #(#[allow(missing_docs)] #visibilities #fields: #types,)*
        }
        impl #generics ::tabellion::NewRow for #new #arguments #bounds {
            type Table = #ident #arguments;
            const COLUMNS: &'static [&'static str] = &[#(#names),*];
            fn bind(self, params: &mut ::tabellion::Params) {
                _ = &params;
                #(params.push(self.#fields);)*
            }
        }
        #columns
    }
}

/// A constant for each column that a statement may set.
fn columns(table: &Table, input: &DeriveInput) -> TokenStream {
    let ident = &table.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let settable = table
        .columns
        .iter()
        .filter(|column| column.generated != Some(Generated::IdentityAlways));
    let constants = settable.map(|column| {
        let constant = Ident::new(&plain(&column.ident).to_uppercase(), column.ident.span());
        let vis = visibility(column, input);
        let ty = field_type(column);
        let name = sql_quote(&column.name.value).into_owned();
        let doc = format!("The column `{}`.", column.name.value);
        quote! {
            #[doc = #doc]
            #vis const #constant: ::tabellion::Column<Self, #ty> = ::tabellion::Column::new(#name);
        }
    });
    quote! {
        #[allow(dead_code)]
        impl #generics #ident #arguments #bounds {
            #(#constants)*
        }
    }
}

/// NOT NULL, and nothing that the database would put there.
fn is_required(column: &Column) -> bool {
    !column.nullable && column.default.is_none() && column.generated.is_none()
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
