//! `#[primary_key(columns(…))]`, `#[unique(columns(…))]`, `#[check(…)]`

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, LitStr, Token};
use tabellion_sql::schema::Deferrable;

use super::args::{Field, name_span};
use super::{Arg, Args};
use crate::Report;
use crate::ast::At;
use crate::predicate::{self, Predicate};

/// Columns, and the name where one is given.
pub(crate) struct Key {
    pub(crate) name: Option<At<String>>,
    pub(crate) columns: Vec<Ident>,
    pub(crate) nulls_not_distinct: bool,
    pub(crate) deferrable: Deferrable,
    pub(crate) span: Span,
}

pub(crate) fn primary_key(attribute: &Attribute, report: &mut Report) -> Option<Key> {
    key(attribute, "primary_key", report)
}

pub(crate) fn unique(attribute: &Attribute, report: &mut Report) -> Option<Key> {
    key(attribute, "unique", report)
}

fn key(attribute: &Attribute, kind: &str, report: &mut Report) -> Option<Key> {
    let args = Args::of(attribute, report)?;
    if args.lists_bare_columns(kind, report) {
        return None;
    }
    args.unique_keys(report);
    let mut name = None;
    let mut columns = None;
    let mut nulls_not_distinct = false;
    let mut deferrable = None;
    let is_primary = kind == "primary_key";
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" if !is_primary => name = arg.string(report),
            "columns" => columns = Some(fields(arg, report)?),
            "nulls_not_distinct" if !is_primary => nulls_not_distinct = arg.flag(report),
            "deferrable" => deferrable = super::foreign_key::deferrable(arg, report),
            _ if is_primary => {
                arg.unknown(kind, "the options are `columns` and `deferrable`", report);
            }
            _ => arg.unknown(
                kind,
                "the options are `columns`, `name`, `nulls_not_distinct` and `deferrable`",
                report,
            ),
        }
    }
    let span = name_span(attribute);
    let Some(columns) = columns else {
        report.at(
            span,
            format!("`#[{kind}]` names no columns; write `columns(...)`"),
        );
        return None;
    };
    Some(Key {
        name,
        columns,
        nulls_not_distinct,
        deferrable: deferrable.map_or(Deferrable::Not, |at| at.value),
        span,
    })
}

pub(super) fn fields(arg: &Arg, report: &mut Report) -> Option<Vec<Ident>> {
    let (fields, _) = arg.list::<Field>(report)?;
    Some(fields.into_iter().map(|field| field.0).collect())
}

struct CheckArgs {
    name: Option<LitStr>,
    expr: Expr,
}

impl Parse for CheckArgs {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(syn::Error::new(
                input.span(),
                "`#[check]` is empty; write `#[check(condition)]`",
            ));
        }
        let name = if input.peek(LitStr) && input.peek2(Token![,]) {
            let name = input.parse()?;
            input.parse::<Token![,]>()?;
            Some(name)
        } else {
            None
        };
        let expr = input.parse().map_err(|error: syn::Error| {
            let message = "`#[check]` takes a condition; write one such as `#[check(level > 0)]`";
            syn::Error::new(error.span(), message)
        })?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error("`#[check]` ends here; write one attribute for each check"));
        }
        Ok(CheckArgs { name, expr })
    }
}

/// A check's name, where one is given, and its predicate.
pub(crate) struct CheckAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) predicate: Predicate,
    pub(crate) span: Span,
}

pub(crate) fn check(attribute: &Attribute, report: &mut Report) -> Option<CheckAttr> {
    let args: CheckArgs = super::args::parse(attribute, report)?;
    let name = args.name.map(|name| At::new(name.value(), name.span()));
    let predicate = predicate::parse(&args.expr, report)?;
    Some(CheckAttr {
        name,
        predicate,
        span: name_span(attribute),
    })
}
