//! `#[index(columns(a, b desc), unique, where = …, name = "…", finder = "…")]`

use proc_macro2::{Ident, Span};
use syn::Attribute;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};

use super::Args;
use super::args::name_span;
use crate::Report;
use crate::ast::{At, IndexColumn};
use crate::predicate::{self, Predicate};

pub(crate) struct IndexAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) columns: Vec<IndexColumn>,
    pub(crate) unique: bool,
    pub(crate) predicate: Option<Predicate>,
    pub(crate) finder: Option<At<String>>,
    pub(crate) span: Span,
}

impl Parse for IndexColumn {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let field = input.call(Ident::parse_any)?;
        let mut descending = false;
        if input.peek(syn::token::Paren) {
            return Err(syn::Error::new(
                field.span(),
                format!(
                    "an index holds columns, and `{field}(...)` is an expression; keep its value in a \
                     column of its own"
                ),
            ));
        }
        if input.peek(Ident::peek_any) {
            let order = input.call(Ident::parse_any)?;
            descending = order == "desc";
            if !descending {
                return Err(syn::Error::new(
                    order.span(),
                    format!("no order `{order}`; write `{field}` or `{field} desc`"),
                ));
            }
        }
        Ok(IndexColumn { field, descending })
    }
}

pub(crate) fn index(attribute: &Attribute, report: &mut Report) -> Option<IndexAttr> {
    let args = Args::of(attribute, report)?;
    if args.lists_bare_columns("index", report) {
        return None;
    }
    args.unique_keys(report);
    if let Some(leading) = &args.leading {
        report.at(
            leading.span(),
            "the index's name needs its key; write `name = \"...\"`",
        );
    }
    let mut index = IndexAttr {
        name: None,
        columns: Vec::new(),
        unique: false,
        predicate: None,
        finder: None,
        span: name_span(attribute),
    };
    let mut has_columns = false;
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" => index.name = arg.string(report),
            "columns" => {
                has_columns = true;
                index.columns = arg.list(report).map(|(list, _)| list).unwrap_or_default();
            }
            "unique" => index.unique = arg.flag(report),
            "where" => {
                index.predicate = arg
                    .expr(report)
                    .and_then(|expr| predicate::parse(expr, report));
            }
            "finder" => index.finder = arg.string(report),
            _ => arg.unknown(
                "index",
                "the options are `columns`, `unique`, `where`, `name` and `finder`",
                report,
            ),
        }
    }
    if !has_columns {
        report.at(
            index.span,
            "`#[index]` names no columns; write `columns(...)`",
        );
    }
    (!index.columns.is_empty()).then_some(index)
}
