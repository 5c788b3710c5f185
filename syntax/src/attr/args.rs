//! The arguments of an attribute: `"name", flag, key = expression, key(list)`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, ExprLit, Lit, LitStr, MacroDelimiter, Meta, Token};

use crate::Report;
use crate::ast::{At, PathRef};

/// What stands between an attribute's parentheses.
pub(crate) struct Args {
    /// A string literal before everything else.
    pub(crate) leading: Option<LitStr>,
    pub(crate) rest: Vec<Arg>,
}

/// One argument.
pub(crate) struct Arg {
    pub(crate) key: Ident,
    pub(crate) value: ArgValue,
}

pub(crate) enum ArgValue {
    Flag,
    Expr(Box<Expr>),
    List(TokenStream, Span),
}

impl Parse for Args {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let leading: Option<LitStr> = input.peek(LitStr).then(|| input.parse()).transpose()?;
        if leading.is_some() && !input.is_empty() && !input.peek(Token![,]) {
            return Err(input.error("a comma is missing behind the text; add it"));
        }
        if leading.is_some() {
            input.parse::<Option<Token![,]>>()?;
        }
        let mut rest: Vec<Arg> = Vec::new();
        while !input.is_empty() {
            let arg: Arg = input.parse()?;
            if !input.is_empty() && !input.peek(Token![,]) {
                let key = &arg.key;
                return Err(input.error(match arg.value {
                    ArgValue::Flag => format!(
                        "what follows `{key}` cannot be read; write `{key} = ...` or `{key}(...)`, or a comma"
                    ),
                    _ => format!("a comma is missing behind the value of `{key}`; add it"),
                }));
            }
            input.parse::<Option<Token![,]>>()?;
            rest.push(arg);
        }
        Ok(Args { leading, rest })
    }
}

impl Parse for Arg {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any).map_err(|error| {
            let message =
                "an option begins with its name; write `name`, `name = ...` or `name(...)`";
            syn::Error::new(error.span(), message)
        })?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            let value = input.parse::<Expr>();
            let value = value.map(|expr| Box::new(ungrouped(expr)));
            ArgValue::Expr(value.map_err(|error| {
                // At the end of an attribute there is no token of its own.
                if input.is_empty() || input.peek(Token![,]) {
                    let message = format!("`{key}` needs a value; write `{key} = ...`");
                    return syn::Error::new(key.span(), message);
                }
                let message =
                    format!("the value of `{key}` is no expression of Rust: {error}; correct it");
                syn::Error::new(error.span(), message)
            })?)
        } else if input.peek(syn::token::Paren) {
            let content;
            let parens = syn::parenthesized!(content in input);
            ArgValue::List(content.parse()?, parens.span.join())
        } else {
            ArgValue::Flag
        };
        Ok(Arg { key, value })
    }
}

/// A value without the invisible groups in which a macro hands it on, as `$name:literal`.
fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        expr => expr,
    }
}

impl Args {
    /// The arguments of an attribute; a mistake goes to the report, and nothing comes back.
    pub(crate) fn of(attribute: &Attribute, report: &mut Report) -> Option<Args> {
        parse(attribute, report)
    }

    /// Whether columns stand where `columns(…)` should; reported, since every one of them would
    /// otherwise be an option that nobody knows.
    pub(crate) fn lists_bare_columns(&self, attribute: &str, report: &mut Report) -> bool {
        let Some(first) = self.rest.first() else {
            return false;
        };
        let is_bare = |arg: &Arg| matches!(arg.value, ArgValue::Flag) && arg.key != "unique";
        if !self.rest.iter().all(is_bare) || first.key == "columns" {
            return false;
        }
        let names: Vec<String> = self.rest.iter().map(|arg| arg.key.to_string()).collect();
        report.at(
            first.key.span(),
            format!(
                "the columns of `#[{attribute}]` need their key; write `columns({})`",
                names.join(", ")
            ),
        );
        true
    }

    /// Reports keys that were written twice, each at its second place.
    pub(crate) fn unique_keys(&self, report: &mut Report) {
        for (index, arg) in self.rest.iter().enumerate() {
            if self.rest[..index]
                .iter()
                .any(|earlier| earlier.key == arg.key)
            {
                report.at(
                    arg.key.span(),
                    format!("`{}` is given twice; remove one", arg.key),
                );
            }
        }
    }
}

/// What stands between an attribute's parentheses; a mistake goes to the report.
pub(super) fn parse<T: Parse>(attribute: &Attribute, report: &mut Report) -> Option<T> {
    let name = attribute.path().to_token_stream();
    let wrong = match &attribute.meta {
        Meta::List(list) if matches!(list.delimiter, MacroDelimiter::Paren(_)) => {
            let name = name.to_string();
            let remedy = format!("`#[{name}]` cannot be read from here on; write `#[{name}(...)]`");
            let parsed = list.parse_args();
            return parsed
                .map_err(|error| report.push(own(error, &remedy)))
                .ok();
        }
        Meta::Path(_) => "says nothing",
        _ => "takes parentheses",
    };
    report.at(
        name_span(attribute),
        format!("`#[{name}]` {wrong}; write `#[{name}(...)]`"),
    );
    None
}

/// What a parser says, where it is in our own words: a fact and a remedy. Else `instead`.
fn own(error: syn::Error, instead: &str) -> syn::Error {
    let is_own = |error: &syn::Error| error.to_string().contains("; ");
    match is_own(&error) {
        true => error,
        false => syn::Error::new(error.span(), instead),
    }
}

/// Whether an attribute is `#[name…]`.
pub(crate) fn is(attribute: &Attribute, name: &str) -> bool {
    attribute.path().is_ident(name)
}

impl Arg {
    /// The value as a flag.
    pub(crate) fn flag(&self, report: &mut Report) -> bool {
        if let ArgValue::Flag = self.value {
            return true;
        }
        report.at(
            self.key.span(),
            format!("`{0}` takes no value; write just `{0}`", self.key),
        );
        false
    }

    /// The value as an expression.
    pub(crate) fn expr(&self, report: &mut Report) -> Option<&Expr> {
        if let ArgValue::Expr(expr) = &self.value {
            return Some(expr);
        }
        report.at(
            self.key.span(),
            format!("`{0}` needs a value; write `{0} = ...`", self.key),
        );
        None
    }

    /// The value as a string.
    pub(crate) fn string(&self, report: &mut Report) -> Option<At<String>> {
        if let ArgValue::Expr(expr) = &self.value
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) = &**expr
        {
            return Some(At::new(text.value(), text.span()));
        }
        report.at(
            self.key.span(),
            format!("`{0}` needs a string; write `{0} = \"...\"`", self.key),
        );
        None
    }

    /// The value as a path.
    pub(crate) fn path(&self, report: &mut Report) -> Option<PathRef> {
        if let ArgValue::Expr(expr) = &self.value
            && let Expr::Path(path) = &**expr
        {
            return Some(PathRef(path.path.clone()));
        }
        report.at(
            self.key.span(),
            format!("`{0}` needs a type; write `{0} = Name`", self.key),
        );
        None
    }

    /// The value as a list of `T`, with the span of its parentheses.
    pub(crate) fn list<T: Parse>(&self, report: &mut Report) -> Option<(Vec<T>, Span)> {
        let ArgValue::List(tokens, span) = &self.value else {
            report.at(
                self.key.span(),
                format!("`{0}` needs a list; write `{0}(...)`", self.key),
            );
            return None;
        };
        match Punctuated::<T, Token![,]>::parse_terminated.parse2(tokens.clone()) {
            Ok(list) if list.is_empty() => {
                report.at(*span, format!("`{}` is empty; name at least one", self.key));
                None
            }
            Ok(list) => Some((list.into_iter().collect(), *span)),
            Err(error) => {
                let key = &self.key;
                let message =
                    format!("`{key}(...)` holds what it cannot; separate its parts by commas");
                report.push(own(error, &message));
                None
            }
        }
    }

    /// Reports a key that the attribute does not know; `remedy` names those that it does.
    pub(crate) fn unknown(&self, attribute: &str, remedy: &str, report: &mut Report) {
        report.at(
            self.key.span(),
            format!("no option `{}` in `#[{attribute}]`; {remedy}", self.key),
        );
    }
}

/// A field, with or without `r#`.
pub(crate) struct Field(pub(crate) Ident);

impl Parse for Field {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        not_in_quotes(input)?;
        input.call(Ident::parse_any).map(Field)
    }
}

/// Refuses a text where a field is to stand.
pub(super) fn not_in_quotes(input: ParseStream) -> syn::Result<()> {
    if input.peek(LitStr) {
        let message = "a field is named in quotes; write the field's name without quotes";
        return Err(input.error(message));
    }
    Ok(())
}

/// A path followed by fields in parentheses: `User(tenant, id)`; or a path whose last segment is a
/// field: `User::id`.
pub(crate) fn referenced(expr: &Expr) -> Option<(PathRef, Vec<Ident>)> {
    match expr {
        Expr::Path(path) if path.path.segments.len() > 1 => {
            let mut path = path.path.clone();
            let field = path.segments.pop()?;
            path.segments.pop_punct();
            Some((PathRef(path), vec![field.ident]))
        }
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            Some((PathRef(path.path.clone()), fields_of_call(call)?))
        }
        _ => None,
    }
}

/// The arguments of a call, where each is a field.
pub(crate) fn fields_of_call(call: &syn::ExprCall) -> Option<Vec<Ident>> {
    let fields = call.args.iter().map(|argument| match argument {
        Expr::Path(path) => path.path.get_ident().cloned(),
        _ => None,
    });
    fields.collect()
}

/// The span of an attribute's name.
pub(crate) fn name_span(attribute: &Attribute) -> Span {
    attribute.path().span()
}

/// An attribute that rustc lets stand where this derive would not read it.
pub(crate) fn misplaced(attributes: &[Attribute], name: &str, place: &str, report: &mut Report) {
    for attribute in attributes {
        if is(attribute, name) {
            report.at(
                name_span(attribute),
                format!("`#[{name}]` belongs on {place}; move it there"),
            );
        }
    }
}
