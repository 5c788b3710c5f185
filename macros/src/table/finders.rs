//! One finder for each index, named after it.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use tabellion_sql::ident::quote as sql_quote;
use tabellion_sql::schema::Nulls;
use tabellion_syntax::ast::{At, Column, Index, IndexColumn, Table};
use tabellion_syntax::lower::{self, Piece};
use tabellion_syntax::predicate::plain;

use super::{Read, fields};

/// The finders of a table: the indexes that they read along, and the functions that begin one.
pub(super) struct Finders {
    /// The value of `FINDERS`, one index for each function; none of a broken table.
    pub(super) indexes: Vec<TokenStream>,
    /// The functions.
    pub(super) functions: TokenStream,
}

pub(super) fn finders(read: &Read<'_>) -> Finders {
    let ident = &read.table.ident;
    let mut seen: Vec<&str> = Vec::new();
    let mut indexes = Vec::new();
    let mut functions: Vec<TokenStream> = Vec::new();
    for index in &read.table.indexes {
        // Of a broken table there is what can be, so that what uses it does not fail as well.
        let Some(finder) = &index.finder else {
            continue;
        };
        let name = finder.value.as_str();
        let is_new = !seen.contains(&name);
        seen.push(name);
        // As parsed a name may be raw, and as a name of its own it may not.
        let is_name = || syn::parse_str::<Ident>(name).is_ok_and(|ident| plain(&ident) == name);
        let columns = index
            .columns
            .iter()
            .map(|column| read.table.column(column.field()?))
            .collect::<Option<Vec<&Column>>>();
        if let (true, Some(columns)) = (is_new && is_name(), columns) {
            functions.extend(function(read, index, finder, &columns, indexes.len()));
            if read.is_right {
                indexes.push(constant(read.table, index, &columns));
            }
        }
    }
    let functions = match functions.is_empty() {
        true => TokenStream::new(),
        false => quote! {
            #[allow(dead_code, non_snake_case)]
            impl #ident {
                #(#functions)*
            }
        },
    };
    Finders { indexes, functions }
}

/// The index as the runtime sees it.
fn constant(table: &Table, index: &Index, columns: &[&Column]) -> TokenStream {
    let name = &index.name.value;
    let finder = index.finder.as_ref().map_or("", |finder| &finder.value);
    let names = columns
        .iter()
        .map(|column| sql_quote(&column.name.value).into_owned());
    let orders = columns
        .iter()
        .zip(&index.columns)
        .map(|(column, of)| order(column, of));
    let predicate = index_predicate(table, index);
    quote! {
        ::tabellion::Index {
            name: #name,
            finder: #finder,
            columns: &[#((#names, ::tabellion::query::Order::#orders)),*],
            predicate: #predicate,
        }
    }
}

fn function(
    read: &Read<'_>,
    index: &Index,
    finder: &At<String>,
    columns: &[&Column],
    number: usize,
) -> Option<TokenStream> {
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
    let name = &index.name.value;
    let doc = format!(
        "Rows whose `{}` is the given one, in the order of the index `{name}`.",
        first.name.value
    );
    let body = match read.is_right {
        true => quote! {
            ::tabellion::query::Finder::new(&<Self as ::tabellion::Table>::FINDERS[#number], #value)
        },
        false => quote! {
            _ = #argument;
            ::core::panic!()
        },
    };
    // `Ties` is the parameter's default.
    let total = match is_total(read.table, index, columns) {
        true => quote!(, ::tabellion::query::Total),
        false => TokenStream::new(),
    };
    Some(quote! {
        #[doc = #doc]
        #vis fn #finder(
            #argument: impl ::tabellion::IntoValue<#argument_type>,
        ) -> ::tabellion::query::Finder<Self, (#(#rest,)*) #total> {
            #body
        }
    })
}

/// Whether no two rows are alike in the index's columns.
fn is_total(table: &Table, index: &Index, columns: &[&Column]) -> bool {
    let has = |field: &Ident| {
        let key = table.column(field);
        key.is_some_and(|key| columns.iter().any(|column| column.ident == key.ident))
    };
    let holds = |key: &[Ident]| !key.is_empty() && key.iter().all(has);
    let distinct = index.unique.is_some() && columns.iter().all(|column| !column.nullable);
    let unique = |fields: &[Ident]| {
        let known = fields.iter().filter_map(|field| table.column(field));
        holds(fields) && known.into_iter().all(|column| !column.nullable)
    };
    distinct || holds(&table.primary_key) || table.uniques.iter().any(|key| unique(&key.columns))
}

/// How an index sorts a column, as a word of the runtime.
fn order(column: &Column, of: &IndexColumn) -> Ident {
    let nulls = of.nulls.as_ref().map(|nulls| nulls.value);
    let descends = of.descending.is_some();
    format_ident!(
        "{}",
        match (descends, nulls) {
            (false, _) if !column.nullable => "Ascending",
            (true, _) if !column.nullable => "Descending",
            (false, None | Some(Nulls::Last)) => "AscendingNullsLast",
            (false, Some(Nulls::First)) => "AscendingNullsFirst",
            (true, None | Some(Nulls::First)) => "DescendingNullsFirst",
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
