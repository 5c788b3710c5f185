//! `#[derive(Table)]`

mod finders;
mod guard;
mod impls;
mod predicates;
mod writes;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;
use tabellion_syntax::{Report, ast};

/// The expansion: impls, the type check of predicates, the guard; or the impls and what is wrong.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut report = Report::default();
    let Some(table) = tabellion_syntax::table(input, &mut report) else {
        return errors(report);
    };
    let is_right = report.is_empty();
    let mut tokens = impls::table(&table, input);
    tokens.extend(writes::new_row(&table, input));
    // A finder or a predicate that names an unknown column would only repeat the error.
    if is_right {
        tokens.extend(finders::finders(&table, input));
        tokens.extend(predicates::check(&table));
        tokens.extend(guard::guard(&table, &mut report));
    }
    let errors = errors(report);
    quote!(#errors #tokens)
}

/// The mistakes as calls of `compile_error!`.
pub(crate) fn errors(report: Report) -> TokenStream {
    report
        .finish()
        .err()
        .map(|error| error.to_compile_error())
        .unwrap_or_default()
}

/// The type of a field, `Option` included.
fn field_type(column: &ast::Column) -> TokenStream {
    let base = &column.rust_type.0;
    if column.nullable {
        quote!(::core::option::Option<#base>)
    } else {
        quote!(#base)
    }
}
