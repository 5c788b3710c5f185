//! `#[exclude(elements(room with "=", during with "&&"), method = …, where = …, …)]`

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, LitStr};
use tabellion_sql::schema::Deferrable;

use super::args::name_span;
use super::index::{method, predicate};
use super::index_column::is_with;
use super::{Args, foreign_key};
use crate::Report;
use crate::ast::{At, IndexColumn, IndexKey};
use crate::predicate::Predicate;

pub(crate) struct ExcludeAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) method: At<String>,
    pub(crate) elements: Vec<(IndexColumn, At<String>)>,
    pub(crate) predicate: Option<Predicate>,
    pub(crate) deferrable: Deferrable,
    pub(crate) span: Span,
}

/// `during with "&&"`
struct Element(IndexColumn, At<String>);

impl Parse for Element {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let column: IndexColumn = input.parse()?;
        let wrong = |span| {
            syn::Error::new(
                span,
                "an element needs its operator; write `field with \"=\"`",
            )
        };
        if !is_with(input) {
            let span = match &column.key {
                IndexKey::Field(field) => field.span(),
                IndexKey::Sql(sql) => sql.span,
            };
            return Err(wrong(span));
        }
        let with = input.call(Ident::parse_any)?;
        let operator: LitStr = input.parse().map_err(|_| wrong(with.span()))?;
        Ok(Element(column, At::new(operator.value(), operator.span())))
    }
}

pub(crate) fn exclude(attribute: &Attribute, report: &mut Report) -> Option<ExcludeAttr> {
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    if let Some(leading) = &args.leading {
        report.at(
            leading.span(),
            "the constraint's name needs its key; write `name = \"...\"`",
        );
    }
    let span = name_span(attribute);
    let mut exclude = ExcludeAttr {
        name: None,
        method: At::new("gist".to_owned(), span),
        elements: Vec::new(),
        predicate: None,
        deferrable: Deferrable::Not,
        span,
    };
    let mut has_elements = false;
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "name" => exclude.name = arg.string(report),
            "method" => exclude.method = method(arg, report)?,
            "elements" => {
                has_elements = true;
                let elements = arg.list::<Element>(report).map(|(list, _)| list);
                let elements = elements.into_iter().flatten();
                exclude.elements = elements.map(|Element(column, op)| (column, op)).collect();
            }
            "where" => exclude.predicate = predicate(arg, report),
            "deferrable" => {
                let value = foreign_key::deferrable(arg, report);
                exclude.deferrable = value.map_or(Deferrable::Not, |at| at.value);
            }
            _ => arg.unknown(
                "exclude",
                "the options are `elements`, `method`, `where`, `deferrable` and `name`",
                report,
            ),
        }
    }
    if !has_elements {
        report.at(
            span,
            "`#[exclude]` compares nothing; write `elements(room with \"=\", during with \"&&\")`",
        );
    }
    (!exclude.elements.is_empty()).then_some(exclude)
}
