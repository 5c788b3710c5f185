//! The derives of Tabellion, `Table`, `Projection`, `FromRow`, `Scope` and `TextEnum`, and `migrations!()`. Use them through the
//! crate `tabellion`.
//!
//! Each derive reads its item with `tabellion-syntax`, reports everything that is wrong with it at once,
//! and expands to constants and small impls; the work is done by generic functions of the runtime.
//! A broken item still expands to impls, so that one mistake gives one error.

mod from_row;
mod migrations;
mod projection;
mod scope;
mod seen;
mod table;
#[cfg(test)]
mod tests;
mod text_enum;

use proc_macro::TokenStream;
use proc_macro2::{Ident, Span};
use syn::{DeriveInput, parse_macro_input};
use tabellion_syntax::Report;

/// Makes a struct a table. See the crate `tabellion` for its attributes.
#[proc_macro_derive(
    Table,
    attributes(
        table,
        column,
        primary_key,
        index,
        unique,
        check,
        foreign_key,
        exclude,
        partition_by,
        partition,
        policy,
        tenant,
        no_rls,
        allow_rule
    )
)]
pub fn derive_table(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    table::expand(&input, &seen::seen).into()
}

/// Makes a struct a projection of a table: some of its columns. See the crate `tabellion`.
#[proc_macro_derive(Projection, attributes(projection))]
pub fn derive_projection(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    projection::expand(&input).into()
}

/// Makes a struct what rows of raw SQL are read as. See the crate `tabellion`.
#[proc_macro_derive(FromRow, attributes(column))]
pub fn derive_from_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    from_row::expand(&input).into()
}

/// Makes a struct a scope: who is asking, as settings and a role. See the crate `tabellion`.
#[proc_macro_derive(Scope, attributes(scope, setting, claim))]
pub fn derive_scope(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    scope::expand(&input).into()
}

/// Makes an enum without values a text column with a CHECK. See the crate `tabellion`.
#[proc_macro_derive(TextEnum, attributes(text))]
pub fn derive_text_enum(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    text_enum::expand(&input).into()
}

/// The sealed migrations of the package, embedded and checked while compiling. See the crate `tabellion`.
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as migrations::Input);
    migrations::expand(&input).into()
}

/// The mistakes as calls of `compile_error!`.
fn errors(report: Report) -> proc_macro2::TokenStream {
    report
        .finish()
        .err()
        .map(|error| error.to_compile_error())
        .unwrap_or_default()
}

/// A name as the derive writes it: at the same place, but not as if the user had written it there. A
/// lint such as `deprecated` then says nothing of the item's own impls.
fn derived(ident: &mut Ident) {
    ident.set_span(ident.span().resolved_at(Span::call_site()));
}

/// Whether impls of an item could compile at all: of a generic one each would fail in its own way.
fn has_impls(input: &DeriveInput) -> bool {
    input.generics.params.is_empty()
}
