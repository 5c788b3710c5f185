//! One finder for each index, named after it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::DeriveInput;
use tabellion_sql::ident::quote as sql_quote;
use tabellion_syntax::ast::{Column, Index, Table};
use tabellion_syntax::lower::{self, Piece};

pub(super) fn finders(table: &Table, input: &DeriveInput) -> TokenStream {
    if table.indexes.is_empty() {
        return TokenStream::new();
    }
    let ident = &table.ident;
    let finders = table
        .indexes
        .iter()
        .filter_map(|index| finder(table, index, input));
    quote! {
        #[allow(dead_code)]
        impl #ident {
            #(#finders)*
        }
    }
}

fn finder(table: &Table, index: &Index, input: &DeriveInput) -> Option<TokenStream> {
    let columns: Option<Vec<&Column>> = index
        .columns
        .iter()
        .map(|column| table.column(&column.field))
        .collect();
    let columns = columns?;
    let (first, rest) = columns.split_first()?;
    let finder = Ident::new(&index.finder.value, index.finder.span);
    let vis = &input.vis;
    let (argument, argument_type) = (&first.ident, &first.rust_type.0);
    let rest = rest.iter().map(|column| &column.rust_type.0);
    let names = columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let descending = index.columns.iter().map(|column| column.descending);
    let name = &index.name.value;
    let doc = format!(
        "Rows whose `{}` is the given one, in the order of the index `{name}`.",
        first.name.value
    );
    let predicate = index_predicate(table, index);
    Some(quote! {
        #[doc = #doc]
        #vis fn #finder(
            #argument: impl ::tabellion::IntoValue<#argument_type>,
        ) -> ::tabellion::query::Finder<Self, (#(#rest,)*)> {
            static INDEX: ::tabellion::Index = ::tabellion::Index {
                columns: &[#((#names, #descending)),*],
                predicate: #predicate,
            };
            ::tabellion::query::Finder::new(&INDEX, #argument.into_value())
        }
    })
}

/// The rows that a partial index holds, as the build script writes them in the index itself.
fn index_predicate(table: &Table, index: &Index) -> TokenStream {
    let pieces = index
        .predicate
        .iter()
        .flat_map(|predicate| lower::partial(table, predicate))
        .map(|piece| match piece {
            Piece::Sql(text) => quote!(::tabellion::query::Piece::Sql(#text)),
            Piece::Variant(path) => {
                let path = path.0;
                quote!(::tabellion::query::Piece::Text(|| ::tabellion::TextEnum::as_str(&#path)))
            }
        });
    quote!(&[#(#pieces),*])
}
