//! What a table is to the runtime: its names, its rows, what its policies allow.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::DeriveInput;
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::QualifiedName;
use tabellion_syntax::ast::{Column, Table};
use tabellion_syntax::fingerprint;

use super::field_type;

pub(super) fn table(table: &Table, input: &DeriveInput) -> TokenStream {
    let ident = &table.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let name = QualifiedName::new(&table.schema.value, &table.name.value).to_string();
    let columns = table
        .columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let fields = table.columns.iter().enumerate().map(|(index, column)| {
        let field = &column.ident;
        quote!(#field: row.get(#index)?)
    });
    let scope = match &table.scope {
        Some(path) => {
            let path = &path.0;
            quote!(#path)
        }
        None => quote!(::tabellion::NoScope),
    };
    let fingerprint = fingerprint(table);
    let key = primary_key(table, input);
    let allows = table.commands().into_iter().map(|command| {
        let mut name = command.as_str().to_owned();
        name[..1].make_ascii_uppercase();
        let allows = format_ident!("Allows{name}");
        quote!(impl #generics ::tabellion::#allows for #ident #arguments #bounds {})
    });
    quote! {
        impl #generics ::tabellion::Table for #ident #arguments #bounds {
            type Scope = #scope;
            const NAME: &'static str = #name;
            const COLUMNS: &'static [&'static str] = &[#(#columns),*];
            const FINGERPRINT: ::core::primitive::u64 = #fingerprint;
            fn from_row(
                row: &::tabellion::Row<'_>,
            ) -> ::core::result::Result<Self, ::tabellion::Error> {
                ::core::result::Result::Ok(Self { #(#fields),* })
            }
        }
        #key
        #(#allows)*
    }
}

fn primary_key(table: &Table, input: &DeriveInput) -> TokenStream {
    let columns: Option<Vec<&Column>> = table
        .primary_key
        .iter()
        .map(|field| table.column(field))
        .collect();
    let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
        return TokenStream::new();
    };
    let ident = &table.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let names = columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let types: Vec<TokenStream> = columns.iter().map(|column| field_type(column)).collect();
    let key = match types.as_slice() {
        [one] => one.clone(),
        several => quote!((#(#several),*)),
    };
    let parts: Vec<Ident> = (0..columns.len())
        .map(|n| format_ident!("part{n}"))
        .collect();
    let pattern = match parts.as_slice() {
        [one] => quote!(#one),
        several => quote!((#(#several),*)),
    };
    quote! {
        impl #generics ::tabellion::HasPrimaryKey for #ident #arguments #bounds {
            type Key = #key;
            const KEY: &'static [&'static str] = &[#(#names),*];
            fn bind(key: Self::Key, params: &mut ::tabellion::Params) {
                let #pattern = key;
                #(params.push(#parts);)*
            }
        }
    }
}
