//! `#[derive(Table)]`

mod constraints;
mod fields;
mod finders;
mod guard;
mod impls;
mod predicates;
mod references;
mod warnings;
mod writes;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;
use tabellion_syntax::{Report, ast};

use crate::seen::Seen;
use crate::{derived, errors, has_impls};

/// A table, and whether its own reading found nothing wrong with it.
struct Read<'a> {
    table: &'a ast::Table,
    input: &'a DeriveInput,
    is_right: bool,
}

/// The expansion: impls, the type check of predicates, the guard; or the impls and what is wrong.
///
/// `seen` looks up what the build script saw, by the struct's name and the table's.
pub(crate) fn expand(input: &DeriveInput, seen: &dyn Fn(&str, &str) -> Seen) -> TokenStream {
    let mut report = Report::default();
    let Some(table) = &tabellion_syntax::table(input, &mut report) else {
        return errors(report);
    };
    if !has_impls(input) {
        // Named at least, the scopes do not seem unused.
        let scopes = table.scopes().into_iter().map(|path| &path.0);
        let errors = errors(report);
        return quote!(#errors #(const _: fn(&#scopes) = |_| {};)*);
    }
    let mut own = table.clone();
    derived(&mut own.ident);
    for column in &mut own.columns {
        derived(&mut column.ident);
    }
    let read = Read {
        table: &own,
        input,
        is_right: report.is_empty(),
    };
    let mut tokens = references::referenced(&read);
    if table.external.is_none() {
        let finders = finders::finders(&read);
        tokens.extend(impls::table(&read, &finders.indexes));
        tokens.extend(writes::new_row(&read));
        tokens.extend(finders.functions);
    } else if read.is_right {
        // Nothing asks for its rows.
        tokens.extend(references::external(&own));
    } else if let Some(scope) = &table.scope {
        // Named at least, the scope does not seem unused.
        let scope = &scope.0;
        tokens.extend(quote!(const _: fn(&#scope) = |_| {};));
    }
    if read.is_right {
        tokens.extend(predicates::check(&own));
        tokens.extend(references::check(table));
        tokens.extend(guard::guard(table, seen, &mut report));
    }
    let errors = errors(report);
    quote!(#errors #tokens)
}
