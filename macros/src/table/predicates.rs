//! Every predicate once more as Rust, for rustc to resolve and compare. The function never runs.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use tabellion_syntax::ast::{Column, Default, PathRef, Policy, Table, TypeRef};
use tabellion_syntax::fingerprint;
use tabellion_syntax::predicate::{Comparison, Literal, Node, Predicate, Value};

use super::fields;

pub(super) fn check(table: &Table) -> TokenStream {
    let mut predicates: Vec<&Predicate> = Vec::new();
    let indexes = table.indexes.iter();
    predicates.extend(indexes.filter_map(|index| index.predicate.as_ref()));
    let exclusions = table.exclusions.iter();
    predicates.extend(exclusions.filter_map(|exclusion| exclusion.predicate.as_ref()));
    predicates.extend(table.checks.iter().map(|check| &check.predicate));
    let mut checks = distinct(table, predicates);
    for column in &table.columns {
        if let Some(default) = &column.default
            && let Default::Value(Value::Variant(path)) = &default.value
        {
            let ty = &column.rust_type.0;
            let path = &path.0;
            checks.push(quote_spanned! {default.span=>
                { let _: fn() -> #ty = || #path {}; true }
            });
        }
    }
    let own = table.policies().iter().filter(|it| it.scope.is_none());
    let own = own.flat_map(|policy| policy.using.iter().chain(&policy.check));
    checks.extend(distinct(table, own));
    let mut tokens = function(table, table.scope.as_ref(), &checks);
    // The scopes that policies name; the table's own comes with what reads no scope.
    for scope in table.scopes() {
        let of_scope = |policy: &&Policy| policy.scope.as_ref() == Some(scope);
        let policies = table.policies().iter().filter(of_scope);
        let predicates = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
        tokens.extend(function(table, Some(scope), &distinct(table, predicates)));
    }
    tokens
}

/// The policies of a table mostly say the same of every command: once is enough.
fn distinct<'a>(
    table: &Table,
    predicates: impl IntoIterator<Item = &'a Predicate>,
) -> Vec<TokenStream> {
    let (mut seen, mut checks) = (Vec::new(), Vec::new());
    for predicate in predicates {
        let Predicate::Typed(root) = predicate else {
            continue;
        };
        let number = fingerprint(predicate);
        if !seen.contains(&number) {
            seen.push(number);
            checks.push(node(table, root));
        }
    }
    checks
}

/// The checks where `row` and `scope` are of their types.
fn function(table: &Table, scope: Option<&PathRef>, checks: &[TokenStream]) -> TokenStream {
    if checks.is_empty() {
        return TokenStream::new();
    }
    let ident = &table.ident;
    let scope = match scope {
        Some(PathRef(path)) => quote!(#path),
        None => quote!(()),
    };
    // In front stands a literal: a check that is a block would be a statement there.
    quote! {
        const _: fn(&#ident, &#scope) -> ::core::primitive::bool = |row, scope| {
            _ = (row, scope);
            true #(&& #checks)*
        };
    }
}

fn node(table: &Table, it: &Node) -> TokenStream {
    match it {
        Node::And(a, b) | Node::Or(a, b) => {
            let (a, b) = (node(table, a), node(table, b));
            quote!(#a && #b)
        }
        Node::Not(a) => node(table, a),
        Node::Compare(_, Value::Now(_), it, at) | Node::Compare(_, it, Value::Now(_), at) => {
            with_now(value(table, it), at.0)
        }
        Node::Compare(comparison, a, b, at) => {
            let tells = usize::from(is_stated(table, a));
            let both = [value(table, a), value(table, b)];
            compared(*comparison, both, tells, at.0)
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
                if let Value::Now(_) = item {
                    return with_now(left.clone(), span);
                }
                let right = value(table, item);
                // The item stands first: it is what an error points at.
                quote_spanned!(span=> ::tabellion::types::compare(#right, #left))
            });
            quote!(#(#compared)&&*)
        }
        Node::Exists(membership) => {
            let (other, row) = (&membership.table.0, &membership.row);
            let field = &membership.field;
            let own = value(table, &membership.own);
            let span = membership.own.span();
            let tie = quote_spanned!(span=> ::tabellion::types::compare(#own, &#row.#field));
            let rest = membership.rest.iter().map(|(field, comparison, with, at)| {
                let own = quote_spanned!(field.span()=> &#row.#field);
                match with {
                    Value::Now(_) => with_now(own, at.0),
                    with => compared(*comparison, [own, value(table, with)], 0, at.0),
                }
            });
            quote! {
                { _ = |#row: &#other| -> ::core::primitive::bool { #tie #(&& #rest)* }; true }
            }
        }
        Node::Truth(a) => {
            let span = a.span();
            let a = value(table, a);
            quote_spanned!(span=> ::tabellion::types::truth(#a))
        }
    }
}

/// Of operands that compare, one has an order where the other has; a stated type tells nothing of it.
fn compared(
    comparison: Comparison,
    [a, b]: [TokenStream; 2],
    tells: usize,
    at: Span,
) -> TokenStream {
    let compared = quote_spanned!(at=> ::tabellion::types::compare(#a, #b));
    if !comparison.is_ordering() {
        return compared;
    }
    let told = if tells == 0 { a } else { b };
    quote_spanned!(at=> #compared && ::tabellion::types::ordered(#told))
}

fn is_stated(table: &Table, value: &Value) -> bool {
    let Value::Column(field) = value else {
        return false;
    };
    let column = table.column(field);
    column.is_some_and(|column| matches!(column.ty, TypeRef::Stated(_)))
}

fn with_now(it: TokenStream, at: Span) -> TokenStream {
    quote_spanned!(at=> ::tabellion::types::with_now(#it))
}

/// A reference to something of the operand's type.
fn value(table: &Table, value: &Value) -> TokenStream {
    let span = value.span();
    match value {
        Value::Column(field) => match table.column(field) {
            Some(column) => self::column(column, span),
            None => quote_spanned!(span=> &row.#field),
        },
        Value::Scope(field) => {
            let span = span.resolved_at(Span::call_site());
            quote_spanned!(span=> &scope.#field)
        }
        Value::Literal(Literal::Bool(value), _) => quote_spanned!(span=> &#value),
        Value::Literal(Literal::Str(text), _) => {
            let mut text = proc_macro2::Literal::string(text);
            text.set_span(span);
            quote_spanned!(span=> &#text)
        }
        Value::Literal(Literal::Int(_), _) => quote_spanned!(span=> &::tabellion::types::INT),
        Value::Literal(Literal::Float(_), _) => quote_spanned!(span=> &::tabellion::types::FLOAT),
        Value::Variant(path) => {
            let path = &path.0;
            // The braces admit variants and nothing else: the build script knows no constants.
            quote_spanned!(span=> &#path {})
        }
        Value::Now(_) => quote_spanned!(span=> &::tabellion::types::NOW),
        Value::RandomUuid(_) => quote_spanned!(span=> &::tabellion::types::RANDOM_UUID),
    }
}

fn column(column: &Column, span: Span) -> TokenStream {
    let mut field = column.ident.clone();
    field.set_span(span);
    if let TypeRef::Stated(_) = column.ty {
        return quote_spanned!(span=> &::tabellion::types::UNCHECKED);
    }
    match fields::promise(column, "it") {
        None => quote_spanned!(span=> &row.#field),
        Some(it) => {
            // Of two errors one is the type's and stands there, the other the predicate's.
            let at_type = column.rust_type.0.span();
            field.set_span(at_type);
            let it = quote_spanned!(at_type=> #it(&row.#field));
            quote_spanned!(span=> { let it = #it; it })
        }
    }
}
