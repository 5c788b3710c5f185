//! The guard: what rustc reads must be what the build script wrote SQL for.
//!
//! Presence is checked here, while expanding; fingerprints by a constant that rustc evaluates, since an
//! editor expands unsaved text, which the build script has not seen, without evaluating constants.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use tabellion_syntax::ast::{Table, TypeRef};
use tabellion_syntax::predicate::plain;
use tabellion_syntax::seen::Entry;
use tabellion_syntax::{Report, fingerprint};

use super::fields;
use crate::seen::Seen;

pub(super) fn guard(
    table: &Table,
    seen: &dyn Fn(&str, &str) -> Seen,
    report: &mut Report,
) -> TokenStream {
    match seen(&plain(&table.ident), &table.name.value) {
        Seen::Detached => TokenStream::new(),
        Seen::Missing(message) => {
            report.at(table.ident.span(), message);
            TokenStream::new()
        }
        Seen::Entries(entries) => {
            if let [entry] = entries.as_slice() {
                schema_errors(table, entry, report);
            }
            fingerprints(table, &entries)
        }
    }
}

/// What only the whole schema could tell, at the struct or at the field that is to blame.
fn schema_errors(table: &Table, entry: &Entry, report: &mut Report) {
    for error in &entry.errors {
        let column = error.column.as_ref().and_then(|name| {
            table
                .columns
                .iter()
                .find(|column| column.name.value == *name)
        });
        let span = column.map_or(table.ident.span(), |column| column.ident.span());
        report.at(span, &error.message);
    }
}

fn fingerprints(table: &Table, entries: &[Entry]) -> TokenStream {
    if entries.iter().all(|entry| entry.unchecked) {
        return TokenStream::new();
    }
    let single = entries.len() == 1;
    let seen = entries.iter().map(|entry| {
        let Entry {
            module,
            fingerprint,
            references,
            problem,
            unchecked,
            errors,
            ..
        } = entry;
        // With several structs of the name only rustc can tell which one this is.
        let problem = match errors.first() {
            Some(error) if !single => &error.message,
            _ => problem,
        };
        quote! {
            ::tabellion::guard::Seen {
                module: #module,
                table: #fingerprint,
                references: &[#(#references),*],
                problem: #problem,
                unchecked: #unchecked,
            }
        }
    });
    let own = fingerprint(table);
    let paths = table.references();
    let scopes = paths.scopes.iter().map(|path| {
        let path = &path.0;
        quote!(<#path as ::tabellion::Scope>::FINGERPRINT)
    });
    // Through the same trait as everywhere, so that what is no enum is reported once.
    let enums = table.columns.iter().filter_map(|column| match column.ty {
        TypeRef::Enum(_) | TypeRef::EnumArray(_) => {
            fields::promise_base(column, format_ident!("FINGERPRINT"))
        }
        _ => None,
    });
    let tables = paths.tables.iter().map(|path| {
        let path = &path.0;
        quote!(<#path as ::tabellion::guard::Referenced>::FINGERPRINT)
    });
    let references = scopes.chain(enums).chain(tables);
    quote_spanned! {table.ident.span()=>
        const _: () = ::tabellion::guard::check(
            ::core::module_path!(),
            #own,
            &[#(#references),*],
            &[#(#seen),*],
        );
    }
}
