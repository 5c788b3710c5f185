//! Every predicate once more as Rust, for rustc to resolve and compare. The function never runs.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use tabellion_syntax::ast::{Default, Rls, Table, TypeRef};
use tabellion_syntax::predicate::{Literal, Node, Predicate, Value};

pub(super) fn check(table: &Table) -> TokenStream {
    let mut checks = Vec::new();
    let predicates = table
        .indexes
        .iter()
        .filter_map(|index| index.predicate.as_ref())
        .chain(table.checks.iter().map(|check| &check.predicate));
    checks.extend(predicates.filter_map(|predicate| typed(table, predicate)));
    if let Rls::Policies(policies) = &table.rls {
        let mut tenant = None;
        for policy in policies {
            // The four policies of `#[tenant]` hold one predicate: it is checked once.
            if policy.name.value.starts_with("tenant_") {
                tenant = tenant.or(policy.using.as_ref());
                continue;
            }
            let clauses = policy.using.iter().chain(&policy.check);
            checks.extend(clauses.filter_map(|predicate| typed(table, predicate)));
        }
        checks.extend(tenant.and_then(|predicate| typed(table, predicate)));
    }
    for column in &table.columns {
        if let Some(default) = &column.default
            && let Default::Value(variant @ Value::Variant(_)) = &default.value
        {
            let left = value(table, &Value::Column(column.ident.clone()));
            let right = value(table, variant);
            checks.push(quote_spanned!(default.span=> ::tabellion::types::compare(#left, #right)));
        }
    }
    if checks.is_empty() {
        return TokenStream::new();
    }
    let ident = &table.ident;
    let scope = match &table.scope {
        Some(path) => {
            let path = &path.0;
            quote!(#path)
        }
        None => quote!(()),
    };
    quote! {
        const _: fn(&#ident, &#scope) -> bool = |row, scope| {
            _ = (row, scope);
            #(#checks)&&*
        };
    }
}

fn typed(table: &Table, predicate: &Predicate) -> Option<TokenStream> {
    match predicate {
        Predicate::Typed(root) => Some(node(table, root)),
        Predicate::Sql(..) => None,
    }
}

fn node(table: &Table, it: &Node) -> TokenStream {
    match it {
        Node::And(a, b) | Node::Or(a, b) => {
            let (a, b) = (node(table, a), node(table, b));
            quote!(#a && #b)
        }
        Node::Not(a) => node(table, a),
        Node::Compare(_, a, b, at) => {
            let (a, b) = (value(table, a), value(table, b));
            quote_spanned!(at.0=> ::tabellion::types::compare(#a, #b))
        }
        Node::Null(a, _) => {
            let span = a.span();
            let a = value(table, a);
            quote_spanned!(span=> ::tabellion::types::present(#a))
        }
        Node::In(a, list) => {
            let left = value(table, a);
            let compared = list.iter().map(|item| {
                let span = item.span();
                let right = value(table, item);
                quote_spanned!(span=> ::tabellion::types::compare(#left, #right))
            });
            quote!(#(#compared)&&*)
        }
        Node::Truth(a) => {
            let span = a.span();
            let a = value(table, a);
            quote_spanned!(span=> ::tabellion::types::truth(#a))
        }
    }
}

/// A reference to something of the operand's type.
fn value(table: &Table, value: &Value) -> TokenStream {
    let span = value.span();
    match value {
        Value::Column(field) => match table.column(field).map(|column| &column.ty) {
            Some(TypeRef::Stated(_)) => quote_spanned!(span=> &::tabellion::types::UNCHECKED),
            _ => quote_spanned!(span=> &row.#field),
        },
        Value::Scope(field) => scope_field(field),
        Value::Literal(Literal::Bool(value), _) => quote_spanned!(span=> &#value),
        Value::Literal(Literal::Str(text), _) => quote_spanned!(span=> &#text),
        Value::Literal(Literal::Int(_), _) => quote_spanned!(span=> &::tabellion::types::INT),
        Value::Literal(Literal::Float(_), _) => quote_spanned!(span=> &::tabellion::types::FLOAT),
        Value::Variant(path) => {
            let path = &path.0;
            quote_spanned!(span=> &#path)
        }
        Value::Now(_) => quote_spanned!(span=> &::tabellion::types::NOW),
        Value::RandomUuid(_) => quote_spanned!(span=> &::tabellion::types::RANDOM_UUID),
    }
}

fn scope_field(field: &Ident) -> TokenStream {
    quote!(&scope.#field)
}
