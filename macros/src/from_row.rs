//! `#[derive(FromRow)]`

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Fields, LitStr};
use tabellion_sql::ident::quote as quoted;
use tabellion_syntax::Report;
use tabellion_syntax::predicate::plain;

use crate::{errors, has_impls};

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    if !has_impls(input) {
        report.at(
            input.ident.span(),
            "a struct of a row has no type parameters; name the fields' types",
        );
        return errors(report);
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) if !fields.named.is_empty() => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    let Some(fields) = fields else {
        report.at(
            input.ident.span(),
            "a row is read as a struct with named fields; give it one for each column",
        );
        return errors(report);
    };
    let mut columns: Vec<String> = Vec::new();
    for field in fields {
        let column = column(field, &mut report);
        if columns.contains(&column) {
            let message = format!("two fields are read from the column `{column}`; rename one");
            report.at(field.ident.span(), message);
        }
        columns.push(column);
    }
    let ident = &input.ident;
    let names: Vec<_> = fields.iter().filter_map(|it| it.ident.as_ref()).collect();
    let name = plain(ident);
    let name = quoted(&name);
    let columns = columns.iter().map(|column| quoted(column));
    let infos = fields.iter().zip(&names).map(|(field, name)| {
        let (ty, text) = (&field.ty, plain(name));
        quote_spanned! {ty.span()=>
            ::tabellion::query::FieldInfo {
                name: #text,
                rust: ::core::any::type_name::<#ty>,
                accepts: <#ty as ::tabellion::types::FromColumn>::accepts_type,
            }
        }
    });
    let values = fields.iter().zip(&names).enumerate();
    let values = values.map(|(index, (field, name))| {
        let ty = &field.ty;
        let value = quote_spanned! {ty.span()=>
            <#ty as ::tabellion::types::FromColumn>::get_column(row, #index)?
        };
        quote!(#name: #value)
    });
    let errors = errors(report);
    quote! {
        #errors
        #[diagnostic::do_not_recommend]
        impl ::tabellion::FromRow for #ident {
            const ROW: &'static ::tabellion::query::RowInfo = &::tabellion::query::RowInfo {
                table: ::tabellion::query::TableInfo::of_rows(#name, &[#(#columns),*]),
                fields: &[#(#infos),*],
                by_place: false,
            };
            fn from_row(
                row: &::tabellion::Row<'_>,
            ) -> ::core::result::Result<Self, ::tabellion::Error> {
                ::core::result::Result::Ok(Self { #(#values),* })
            }
        }
    }
}

/// The column that a field is read from: the one of its name, unless `#[column(name = "…")]` says another.
fn column(field: &Field, report: &mut Report) -> String {
    let mut name = None;
    for attribute in &field.attrs {
        if !attribute.path().is_ident("column") {
            continue;
        }
        let parsed = attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("no such option of a row's `column`; it has `name`"));
            }
            let text: LitStr = meta.value()?.parse()?;
            if name.replace(text.value()).is_some() {
                return Err(meta.error("`name` is given twice; remove one"));
            }
            Ok(())
        });
        if let Err(error) = parsed {
            report.push(error);
        }
    }
    name.unwrap_or_else(|| field.ident.as_ref().map(plain).unwrap_or_default())
}
