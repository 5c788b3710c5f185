//! Foreign keys: what a table is to those that reference it, and the comparison of the two ends' types.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use tabellion_syntax::ast::{Column, IndexColumn, Table, TypeRef};
use tabellion_syntax::fingerprint;
use tabellion_syntax::predicate::plain;

use super::{Read, fields};

/// What foreign keys need of a table.
pub(super) fn referenced(read: &Read<'_>) -> TokenStream {
    let table = read.table;
    let ident = &table.ident;
    let name = &table.name.value;
    let fingerprint = fingerprint(table);
    let keys = keys(table).into_iter().map(|column| {
        let field = plain(&column.ident);
        let name = &column.name.value;
        let ty = type_name(column);
        let rust = match &column.ty {
            TypeRef::Stated(_) => String::new(),
            _ => column
                .rust_type
                .0
                .to_token_stream()
                .to_string()
                .replace(' ', ""),
        };
        quote!(::tabellion::guard::KeyColumn { field: #field, name: #name, ty: #ty, rust: #rust })
    });
    quote! {
        #[diagnostic::do_not_recommend]
        impl ::tabellion::guard::Referenced for #ident {
            const TABLE: &'static ::core::primitive::str = #name;
            const KEYS: &'static [::tabellion::guard::KeyColumn] = &[#(#keys),*];
            const FINGERPRINT: ::core::primitive::u64 = #fingerprint;
        }
    }
}

/// The columns of unique keys, each once: nothing else can be referenced.
fn keys(table: &Table) -> Vec<&Column> {
    let uniques = table.uniques.iter().flat_map(|unique| &unique.columns);
    let indexes = table
        .indexes
        .iter()
        .filter(|index| index.unique.is_some() && index.predicate.is_none())
        .flat_map(|index| index.columns.iter().filter_map(IndexColumn::field));
    let fields = table.primary_key.iter().chain(uniques).chain(indexes);
    let mut columns: Vec<&Column> = Vec::new();
    for column in fields.filter_map(|field| table.column(field)) {
        if !columns.iter().any(|known| known.ident == column.ident) {
            columns.push(column);
        }
    }
    columns
}

/// PostgreSQL's internal name of a column's type. That the field's Rust type is the one that its name
/// promises is checked where the field is read.
fn type_name(column: &Column) -> String {
    match &column.ty {
        TypeRef::Known(ty) | TypeRef::Stated(ty) => ty.internal_name(),
        TypeRef::Enum(_) => "text".to_owned(),
        TypeRef::EnumArray(_) => "_text".to_owned(),
    }
}

/// Each foreign key's columns against those that they reference.
pub(super) fn check(table: &Table) -> TokenStream {
    let keys = table.foreign_keys.iter();
    let pairs = keys.flat_map(|key| {
        let pairs = key.columns.iter().zip(&key.references);
        pairs.map(move |(field, reference)| (field, &key.table, reference))
    });
    pairs
        .filter_map(|(field, target, reference)| {
            let column = table.column(field)?;
            let (path, reference) = (&target.0, plain(reference));
            let (name, own) = (&table.name.value, &column.name.value);
            let ty = type_name(column);
            Some(quote_spanned! {column.ident.span()=>
                const _: () = ::tabellion::guard::references(
                    &::tabellion::guard::End { table: #name, column: #own, ty: #ty },
                    <#path as ::tabellion::guard::Referenced>::TABLE,
                    <#path as ::tabellion::guard::Referenced>::KEYS,
                    #reference,
                );
            })
        })
        .collect()
}

/// Every field of a table of someone else, once: that its type is what its name promises, and that no
/// lint finds it unused.
pub(super) fn external(table: &Table) -> TokenStream {
    let ident = &table.ident;
    let reads = table.columns.iter().map(|column| {
        let field: &Ident = &column.ident;
        match fields::promise(column, "it") {
            None => quote!(&row.#field),
            Some(it) => {
                // Of all that is written here an error belongs at the type.
                let span = column.rust_type.0.span();
                let mut field = field.clone();
                field.set_span(span);
                quote_spanned!(span=> #it(&row.#field))
            }
        }
    });
    quote! {
        const _: fn(&#ident) = |row| {
            #(_ = #reads;)*
        };
    }
}
