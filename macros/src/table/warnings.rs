//! What rules warn of, at its place in the struct.
//!
//! A stable derive has no warnings of its own. What rustc warns of at a place of our choosing, with a text of our
//! own, is the use of a deprecated item: so each warning is one, and `deny(warnings)` and `allow(deprecated)`
//! hold for it as for any lint. From the build script it would have no place, and reach nobody who depends
//! on the package from outside of its workspace; nor can a crate that denies warnings be held to it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use tabellion_sql::rule::{Place, page, raw_policy, with_code};
use tabellion_syntax::ast::Table;
use tabellion_syntax::fingerprint;
use tabellion_syntax::predicate::Predicate;
use tabellion_syntax::seen::{Entry, Warning};

use super::guard::place;

const UNNEEDED: &str = "unneeded-allowance";

pub(super) fn warnings(table: &Table, entries: &[Entry]) -> TokenStream {
    // Of several structs of the name, those that read alike are warned of alike.
    let own = fingerprint(table);
    let is_own = |entry: &&Entry| entries.len() == 1 || entry.fingerprint == own;
    let entry = entries.iter().find(is_own);
    let Some(of_schema) = entry.and_then(|entry| entry.warnings.as_ref()) else {
        return TokenStream::new();
    };
    let found: Vec<Warning> = of_schema.iter().cloned().chain(raw(table)).collect();
    let mut tokens = TokenStream::new();
    for warning in &found {
        let mut allowed = table.allowed.iter();
        if !allowed.any(|it| it.code.value == warning.code) {
            let span = place(table, &warning.place);
            tokens.extend(deprecated(&warning.code, &warning.message, span));
        }
    }
    for allowed in &table.allowed {
        let code = &allowed.code.value;
        let is_needed = found.iter().any(|warning| warning.code == *code);
        // What is no rule is an error already.
        if !is_needed && page(code).is_some() {
            let message = format!(
                "rule `{code}` finds nothing in table `{}`; remove the allowance",
                table.name.value
            );
            let message = with_code(&message, UNNEEDED);
            tokens.extend(deprecated(UNNEEDED, &message, allowed.code.span));
        }
    }
    tokens
}

/// The policies in raw SQL, which in the schema look like any other.
fn raw(table: &Table) -> impl Iterator<Item = Warning> {
    let is_raw = |predicate: &Predicate| matches!(predicate, Predicate::Sql(..));
    let raw = table.policies().iter();
    let raw = raw.filter(move |policy| policy.using.iter().chain(&policy.check).any(is_raw));
    raw.map(|policy| {
        let (code, message) = raw_policy(&policy.name.value, &table.name.value);
        Warning {
            code: code.to_owned(),
            place: Place::Policy(policy.name.value.clone()),
            message,
        }
    })
}

/// The use of a deprecated item, which rustc names after the rule.
fn deprecated(code: &str, message: &str, span: Span) -> TokenStream {
    let name = code.replace('-', "_").to_uppercase();
    let item = Ident::new(&name, Span::call_site());
    let used = Ident::new(&name, span);
    let used = quote_spanned!(span=> #used);
    quote! {
        const _: () = {
            #[deprecated(note = #message)]
            const #item: () = ();
            #used
        };
    }
}
