//! `#[derive(Projection)]`

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Path};
use tabellion_syntax::Report;
use tabellion_syntax::predicate::plain;

use crate::{errors, has_impls};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    let table = table(input, &mut report);
    if !has_impls(input) {
        report.at(
            input.ident.span(),
            "a projection has no type parameters; name the fields' types",
        );
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    if fields.is_none() {
        report.at(
            input.ident.span(),
            "a projection is a struct with named fields; give it those of the table's that it holds",
        );
    }
    let (Some(table), Some(fields), true) = (table, fields, report.is_empty()) else {
        return errors(report);
    };
    let ident = &input.ident;
    let names: Vec<_> = fields.iter().filter_map(|it| it.ident.as_ref()).collect();
    let texts = names.iter().map(|name| plain(name));
    let values = names
        .iter()
        .enumerate()
        .map(|(index, name)| quote!(#name: row.get(#index)?));
    // What the fields are: rustc finds each among the table's, and holds the types against each other.
    let same = fields.iter().map(|field| {
        let (name, ty) = (&field.ident, &field.ty);
        quote_spanned!(ty.span()=> let _: &#ty = &row.#name;)
    });
    quote! {
        const _: fn(&#table) = |row| {
            #(#same)*
        };
        #[diagnostic::do_not_recommend]
        impl ::tabellion::Projection for #ident {
            type Table = #table;
            const COLUMNS: &'static [&'static ::core::primitive::str] =
                &[#(::tabellion::query::column::<#table>(#texts)),*];
            fn from_row(
                row: &::tabellion::Row<'_>,
            ) -> ::core::result::Result<Self, ::tabellion::Error> {
                ::core::result::Result::Ok(Self { #(#values),* })
            }
        }
    }
}

/// The path behind `of`, in the only `#[projection(…)]`.
fn table(input: &DeriveInput, report: &mut Report) -> Option<Path> {
    let mut table = None;
    for attribute in &input.attrs {
        if !attribute.path().is_ident("projection") {
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("of") {
                return Err(meta.error("no such option of `projection`; it has `of`"));
            }
            let path: Path = meta.value()?.parse()?;
            if table.replace(path).is_some() {
                return Err(meta.error("`of` is given twice; remove one"));
            }
            Ok(())
        });
        if let Err(error) = parsed {
            report.push(error);
            return None;
        }
    }
    if table.is_none() {
        report.at(
            input.ident.span(),
            "the projection names no table; add `#[projection(of = ...)]`",
        );
    }
    table
}
