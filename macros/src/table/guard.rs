//! The guard: what rustc reads must be what the build script wrote SQL for.
//!
//! Presence is checked here, while expanding; fingerprints by a constant that rustc evaluates, since an
//! editor expands unsaved text, which the build script has not seen, without evaluating constants.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use tabellion_syntax::ast::{At, Table, TypeRef};
use tabellion_syntax::predicate::plain;
use tabellion_syntax::seen::{Entry, Place};
use tabellion_syntax::{Report, fingerprint};

use super::{fields, warnings};
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
            let mut tokens = fingerprints(table, &entries);
            tokens.extend(warnings::warnings(table, &entries));
            tokens
        }
    }
}

/// What only the whole schema could tell, at the struct or at the field that is to blame.
fn schema_errors(table: &Table, entry: &Entry, report: &mut Report) {
    for error in &entry.errors {
        report.at(place(table, &error.place), &error.message);
    }
}

/// The smallest token that stands for a part of a table; of one that has no name of its own in the struct,
/// the word that makes it.
pub(super) fn place(table: &Table, place: &Place) -> Span {
    let span = match place {
        Place::Table => None,
        Place::Column(name) => {
            let mut columns = table.columns.iter();
            let column = columns.find(|column| column.name.value == *name);
            column.map(|column| column.ident.span())
        }
        Place::Index(name) => named(table.indexes.iter().map(|it| &it.name), name),
        Place::Policy(name) => named(table.policies().iter().map(|it| &it.name), name),
        Place::Key(name) => {
            let uniques = table.uniques.iter().map(|it| &it.name);
            let keys = uniques.chain(table.foreign_keys.iter().map(|it| &it.name));
            named(keys.chain(table.exclusions.iter().map(|it| &it.name)), name)
        }
    };
    span.unwrap_or_else(|| table.ident.span())
}

fn named<'a>(mut names: impl Iterator<Item = &'a At<String>>, wanted: &str) -> Option<Span> {
    let found = names.find(|name| name.value == wanted);
    found.map(|name| name.span)
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
