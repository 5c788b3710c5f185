//! One finder for each index, named after it.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::Nulls;
use tabellion_syntax::ast::{At, Column, Index, IndexColumn, Table};
use tabellion_syntax::lower::{self, Piece};
use tabellion_syntax::predicate::plain;

use super::{Read, fields};

pub(super) fn finders(read: &Read<'_>) -> TokenStream {
    let ident = &read.table.ident;
    let mut seen: Vec<&str> = Vec::new();
    let finders: Vec<TokenStream> = read
        .table
        .indexes
        .iter()
        .filter_map(|index| {
            // Of a broken table there is what can be, so that what uses it does not fail as well.
            let finder = index.finder.as_ref()?;
            let name = finder.value.as_str();
            let is_new = !seen.contains(&name);
            seen.push(name);
            if !is_new {
                return None;
            }
            // As parsed a name may be raw, and as a name of its own it may not.
            let ident = syn::parse_str::<Ident>(name).ok()?;
            (plain(&ident) == name)
                .then(|| self::finder(read, index, finder))
                .flatten()
        })
        .collect();
    if finders.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[allow(dead_code, non_snake_case)]
        impl #ident {
            #(#finders)*
        }
    }
}

fn finder(read: &Read<'_>, index: &Index, finder: &At<String>) -> Option<TokenStream> {
    let table = read.table;
    let columns: Option<Vec<&Column>> = index
        .columns
        .iter()
        .map(|column| table.column(column.field()?))
        .collect();
    let columns = columns?;
    let (first, rest) = columns.split_first()?;
    let finder = Ident::new(&finder.value, finder.span);
    let vis = &read.input.vis;
    let (argument, argument_type) = (&first.ident, &first.rust_type.0);
    let value = quote!(#argument.into_value());
    let value = match fields::promise_base(first, format_ident!("sent")) {
        None => value,
        Some(sent) => quote!(#sent(#value)),
    };
    let rest = rest.iter().map(|column| &column.rust_type.0);
    let names = columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let orders = index.columns.iter().map(order);
    let name = &index.name.value;
    let doc = format!(
        "Rows whose `{}` is the given one, in the order of the index `{name}`.",
        first.name.value
    );
    let body = match read.is_right {
        true => {
            let predicate = index_predicate(table, index);
            quote! {
                static INDEX: ::tabellion::Index = ::tabellion::Index {
                    columns: &[#((#names, ::tabellion::query::Order::#orders)),*],
                    predicate: #predicate,
                };
                ::tabellion::query::Finder::new(&INDEX, #value)
            }
        }
        false => quote! {
            _ = #argument;
            ::core::panic!()
        },
    };
    Some(quote! {
        #[doc = #doc]
        #vis fn #finder(
            #argument: impl ::tabellion::IntoValue<#argument_type>,
        ) -> ::tabellion::query::Finder<Self, (#(#rest,)*)> {
            #body
        }
    })
}

/// How an index sorts a column, as a word of the runtime.
fn order(column: &IndexColumn) -> Ident {
    let nulls = column.nulls.as_ref().map(|nulls| nulls.value);
    let descends = column.descending.is_some();
    format_ident!(
        "{}",
        match (descends, nulls) {
            (false, None | Some(Nulls::Last)) => "Ascending",
            (false, Some(Nulls::First)) => "AscendingNullsFirst",
            (true, None | Some(Nulls::First)) => "Descending",
            (true, Some(Nulls::Last)) => "DescendingNullsLast",
        }
    )
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
                quote!(::tabellion::query::Piece::Text(|| ::tabellion::TextEnum::as_str(&#path {})))
            }
        });
    quote!(&[#(#pieces),*])
}
