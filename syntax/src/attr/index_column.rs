//! A part of an index's key: `created_at desc nulls_last`, `sql("lower(email)") opclass("text_pattern_ops")`.

use proc_macro2::Ident;
use syn::LitStr;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use tabellion_sql::schema::Nulls;

use super::args::not_in_quotes;
use crate::ast::{At, IndexColumn, IndexKey};
use crate::predicate::SpanOf;

impl Parse for IndexColumn {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        not_in_quotes(input)?;
        let first = input.call(Ident::parse_any)?;
        let mut column = IndexColumn {
            key: key(first, input)?,
            collation: None,
            opclass: None,
            descending: None,
            nulls: None,
        };
        // `with` belongs to an exclusion constraint, which reads on from there.
        while input.peek(Ident::peek_any) && !is_with(input) {
            let word = input.call(Ident::parse_any)?;
            if !modifier(&mut column, &word, input)? {
                return Err(syn::Error::new(
                    word.span(),
                    format!("`{word}` and what stands before it speak of one thing; keep one"),
                ));
            }
        }
        Ok(column)
    }
}

pub(super) fn is_with(input: ParseStream) -> bool {
    let ahead = input.fork();
    ahead
        .call(Ident::parse_any)
        .is_ok_and(|word| word == "with")
}

/// A field, or `sql("…")`.
fn key(first: Ident, input: ParseStream) -> syn::Result<IndexKey> {
    if !input.peek(syn::token::Paren) {
        return Ok(IndexKey::Field(first));
    }
    let content;
    let _ = syn::parenthesized!(content in input);
    let text: Option<LitStr> = match first == "sql" {
        true => content.parse().ok().filter(|_| content.is_empty()),
        false => None,
    };
    match text {
        Some(text) => Ok(IndexKey::Sql(At::new(text.value(), text.span()))),
        None => {
            let inner: proc_macro2::TokenStream = content.parse()?;
            let message = match first == "sql" {
                true => "`sql` takes one string literal; write `sql(\"...\")`".to_owned(),
                false => format!(
                    "`{first}(...)` is an expression; write it in SQL, as in `sql(\"{first}({})\")`",
                    inner.to_string().replace('"', "'")
                ),
            };
            Err(syn::Error::new(first.span(), message))
        }
    }
}

/// Takes in what stands behind a key; `false` where the same has been said already.
fn modifier(column: &mut IndexColumn, word: &Ident, input: ParseStream) -> syn::Result<bool> {
    let nulls = |column: &mut IndexColumn, nulls| {
        let is_new = column.nulls.is_none();
        column.nulls = Some(At::new(nulls, word.span()));
        is_new
    };
    Ok(match word.to_string().as_str() {
        "desc" => column.descending.replace(SpanOf(word.span())).is_none(),
        "nulls_first" => nulls(column, Nulls::First),
        "nulls_last" => nulls(column, Nulls::Last),
        "collate" => column.collation.replace(text(word, input)?).is_none(),
        "opclass" => column.opclass.replace(text(word, input)?).is_none(),
        _ => {
            let field = match &column.key {
                IndexKey::Field(field) => field.to_string(),
                IndexKey::Sql(_) => "sql(\"...\")".to_owned(),
            };
            return Err(syn::Error::new(
                word.span(),
                format!(
                    "no order `{word}`; write `{field}` or `{field} desc`, then `nulls_first`, \
                     `nulls_last`, `collate(\"...\")` or `opclass(\"...\")`"
                ),
            ));
        }
    })
}

fn text(word: &Ident, input: ParseStream) -> syn::Result<At<String>> {
    let wrong = || {
        syn::Error::new(
            word.span(),
            format!("`{word}` needs a name; write `{word}(\"...\")`"),
        )
    };
    if !input.peek(syn::token::Paren) {
        return Err(wrong());
    }
    let content;
    let _ = syn::parenthesized!(content in input);
    let text: LitStr = content.parse().map_err(|_| wrong())?;
    match content.is_empty() {
        true => Ok(At::new(text.value(), text.span())),
        false => Err(wrong()),
    }
}
