//! `#[primary_key(columns(…))]`, `#[unique(columns(…))]`, `#[foreign_key(…)]`, `#[check(…)]`

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, LitStr, Token};
use tabellion_sql::schema::ReferentialAction;

use super::args::{Field, name_span, referenced};
use super::{Arg, Args};
use crate::Report;
use crate::ast::{At, PathRef};
use crate::predicate::{self, Predicate};

/// Columns, and the name where one is given.
pub(crate) struct Key {
    pub(crate) name: Option<At<String>>,
    pub(crate) columns: Vec<Ident>,
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
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" if kind != "primary_key" => name = arg.string(report),
            "columns" => columns = Some(fields(arg, report)?),
            _ if kind == "primary_key" => {
                arg.unknown(kind, "the only one is `columns`", report);
            }
            _ => arg.unknown(kind, "the options are `columns` and `name`", report),
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
        span,
    })
}

fn fields(arg: &Arg, report: &mut Report) -> Option<Vec<Ident>> {
    let (fields, _) = arg.list::<Field>(report)?;
    Some(fields.into_iter().map(|field| field.0).collect())
}

pub(crate) struct ForeignKeyAttr {
    pub(crate) key: Key,
    pub(crate) table: PathRef,
    pub(crate) references: Vec<Ident>,
    pub(crate) on_delete: At<ReferentialAction>,
}

pub(crate) fn foreign_key(attribute: &Attribute, report: &mut Report) -> Option<ForeignKeyAttr> {
    let span = name_span(attribute);
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let (mut name, mut columns, mut target, mut action) = (None, None, None, None);
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" => name = arg.string(report),
            "columns" => columns = Some(fields(arg, report)?),
            "references" => {
                let expr = arg.expr(report)?;
                target = referenced(expr);
                if target.is_none() {
                    report.over(
                        expr,
                        "`references` names a struct and its fields; write `references = User(tenant, id)`",
                    );
                    return None;
                }
            }
            "on_delete" => action = on_delete(arg, report),
            _ => arg.unknown(
                "foreign_key",
                "the options are `columns`, `references`, `on_delete` and `name`",
                report,
            ),
        }
    }
    let (Some(columns), Some((table, references))) = (columns, target) else {
        report.at(
            span,
            "`#[foreign_key]` needs both ends; write `columns(a, b), references = Other(a, b)`",
        );
        return None;
    };
    if columns.len() != references.len() {
        report.at(
            span,
            format!(
                "a foreign key of {} column(s) references {}; name as many on each side",
                columns.len(),
                references.len()
            ),
        );
        return None;
    }
    Some(ForeignKeyAttr {
        key: Key {
            name,
            columns,
            span,
        },
        table,
        references,
        on_delete: action.unwrap_or_else(|| At::new(ReferentialAction::NoAction, span)),
    })
}

/// The value of `on_delete = …`.
pub(super) fn on_delete(arg: &Arg, report: &mut Report) -> Option<At<ReferentialAction>> {
    let path = arg.path(report)?;
    let action = match path.text().as_str() {
        "no_action" => ReferentialAction::NoAction,
        "restrict" => ReferentialAction::Restrict,
        "cascade" => ReferentialAction::Cascade,
        "set_null" => ReferentialAction::SetNull,
        "set_default" => ReferentialAction::SetDefault,
        other => {
            report.over(
                &path.0,
                format!(
                    "no action `{other}`; use `cascade`, `restrict`, `set_null`, `set_default` or `no_action`"
                ),
            );
            return None;
        }
    };
    Some(At::new(action, path.0.span()))
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
        let expr = input.parse()?;
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
