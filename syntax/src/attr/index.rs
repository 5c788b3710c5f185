//! `#[index(columns(a, b desc), method = …, unique, where = …, with(…), …)]`

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, ExprLit, Lit, Token};
use tabellion_sql::schema::BTREE;

use super::args::{ArgValue, Field, name_span};
use super::{Arg, Args};
use crate::Report;
use crate::ast::{At, Flag, IndexColumn, PathRef};
use crate::predicate::{self, Predicate, SpanOf};

pub(crate) struct IndexAttr {
    pub(crate) name: Option<At<String>>,
    pub(crate) method: At<String>,
    pub(crate) columns: Vec<IndexColumn>,
    pub(crate) include: Vec<Ident>,
    pub(crate) unique: Flag,
    pub(crate) nulls_not_distinct: Flag,
    pub(crate) predicate: Option<Predicate>,
    pub(crate) with: Vec<(At<String>, At<String>)>,
    pub(crate) finder: Option<At<String>>,
    pub(crate) span: Span,
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
        method: At::new(BTREE.to_owned(), name_span(attribute)),
        columns: Vec::new(),
        include: Vec::new(),
        unique: None,
        nulls_not_distinct: None,
        predicate: None,
        with: Vec::new(),
        finder: None,
        span: name_span(attribute),
    };
    let mut has_columns = false;
    for arg in &args.rest {
        let flag = |report: &mut Report| arg.flag(report).then_some(SpanOf(arg.key.span()));
        match arg.key.to_string().as_str() {
            "name" => index.name = arg.string(report),
            "columns" => {
                has_columns = true;
                index.columns = arg.list(report).map(|(list, _)| list).unwrap_or_default();
            }
            "method" => index.method = method(arg, report)?,
            "include" => {
                let fields = arg.list::<Field>(report).map(|(fields, _)| fields);
                let fields = fields.into_iter().flatten();
                index.include = fields.map(|field| field.0).collect();
            }
            "unique" => index.unique = flag(report),
            "nulls_not_distinct" => index.nulls_not_distinct = flag(report),
            "where" => index.predicate = predicate(arg, report),
            "with" => index.with = storage(arg, report),
            "finder" => index.finder = arg.string(report),
            _ => arg.unknown(
                "index",
                "the options are `columns`, `method`, `include`, `unique`, `nulls_not_distinct`, `where`, \
                 `with`, `name` and `finder`",
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

pub(super) fn predicate(arg: &Arg, report: &mut Report) -> Option<Predicate> {
    let expr = arg.expr(report)?;
    predicate::parse(expr, report)
}

/// The access methods that have a word: PostgreSQL's own, and those of extensions in wide use.
const METHODS: [&str; 9] = [
    "btree", "hash", "gist", "spgist", "gin", "brin", "ivfflat", "hnsw", "bloom",
];

/// The value of `method = …`: a word, or the name of a method that has none.
pub(super) fn method(arg: &Arg, report: &mut Report) -> Option<At<String>> {
    if let Some(Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    })) = arg.expr(report)
    {
        let name = text.value();
        if METHODS.contains(&name.as_str()) {
            report.at(
                text.span(),
                format!("this access method is a word; write `method = {name}`"),
            );
        }
        return Some(At::new(name, text.span()));
    }
    let path = match &arg.value {
        ArgValue::Expr(expr) => match &**expr {
            Expr::Path(path) => PathRef(path.path.clone()),
            expr => {
                let methods = METHODS.join("`, `");
                report.over(expr, format!("an access method is a word; use `{methods}`"));
                return None;
            }
        },
        // That it needs a value is reported already.
        _ => return None,
    };
    let name = path.text();
    if !METHODS.contains(&name.as_str()) {
        report.over(
            &path.0,
            format!(
                "no access method `{name}`; use `{}`, or name another one as `method = \"...\"`",
                METHODS.join("`, `")
            ),
        );
        return None;
    }
    let span = path.0.get_ident().map_or(arg.key.span(), Ident::span);
    Some(At::new(name, span))
}

/// `lists = 100`
struct Parameter {
    name: Ident,
    value: Expr,
}

impl Parse for Parameter {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>().map_err(|_| {
            syn::Error::new(
                name.span(),
                format!("`{name}` needs a value; write `{name} = ...`"),
            )
        })?;
        Ok(Parameter {
            name,
            value: input.parse()?,
        })
    }
}

fn storage(arg: &Arg, report: &mut Report) -> Vec<(At<String>, At<String>)> {
    let mut with: Vec<(At<String>, At<String>)> = Vec::new();
    let parameters = arg.list::<Parameter>(report).map(|(list, _)| list);
    for Parameter { name, value } in parameters.into_iter().flatten() {
        if with.iter().any(|(other, _)| name == other.value.as_str()) {
            report.at(name.span(), format!("`{name}` is given twice; remove one"));
        }
        let text = match &value {
            Expr::Lit(ExprLit { lit, .. }) => match lit {
                Lit::Int(int) if int.suffix().is_empty() => Some(int.base10_digits().to_owned()),
                Lit::Float(float) if float.suffix().is_empty() => {
                    Some(float.base10_digits().to_owned())
                }
                Lit::Bool(flag) => Some(flag.value.to_string()),
                Lit::Str(text) => Some(text.value()).filter(|text| is_word(text)),
                _ => None,
            },
            _ => None,
        };
        match text {
            Some(text) => with.push((
                At::new(name.to_string(), name.span()),
                At::new(text, syn::spanned::Spanned::span(&value)),
            )),
            None => report.over(
                &value,
                format!(
                    "`{}` is no value of a storage parameter; use a number, `true`, `false` or a word as a \
                     string",
                    value.to_token_stream()
                ),
            ),
        }
    }
    with
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}
