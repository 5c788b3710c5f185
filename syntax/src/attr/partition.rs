//! `#[partition_by(range(created_at))]` and `#[partition(name = "…", from(…), to(…), renamed_from = "…")]`

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, LitInt, Token};
use tabellion_sql::schema::PartitionStrategy;

use super::args::{ArgValue, name_span};
use super::keys::fields;
use super::{Arg, Args};
use crate::Report;
use crate::ast::{At, Bound, BoundValue, Partition, PartitionBy};
use crate::predicate::{self, Value};

const BY: &str = "write `range(field)`, `list(field)` or `hash(field)`";

pub(crate) fn partition_by(attribute: &Attribute, report: &mut Report) -> Option<PartitionBy> {
    let args = Args::of(attribute, report)?;
    let span = name_span(attribute);
    let [arg] = args.rest.as_slice() else {
        report.at(span, format!("`#[partition_by]` takes one strategy; {BY}"));
        return None;
    };
    let strategy = match arg.key.to_string().as_str() {
        "range" => PartitionStrategy::Range,
        "list" => PartitionStrategy::List,
        "hash" => PartitionStrategy::Hash,
        other => {
            report.at(
                arg.key.span(),
                format!("no way `{other}` to partition a table; {BY}"),
            );
            return None;
        }
    };
    Some(PartitionBy {
        strategy: At::new(strategy, arg.key.span()),
        columns: fields(arg, report)?,
    })
}

/// What `#[partition]` has said of its rows so far.
#[derive(Default)]
struct Parts {
    name: Option<At<String>>,
    renamed_from: Option<At<String>>,
    from: Option<Vec<At<BoundValue>>>,
    to: Option<Vec<At<BoundValue>>>,
    values: Option<Vec<At<BoundValue>>>,
    hash: Option<(At<u32>, At<u32>)>,
    default: bool,
    /// What was said of the rows, each by its word.
    words: Vec<Ident>,
}

pub(crate) fn partition(attribute: &Attribute, report: &mut Report) -> Option<Partition> {
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let span = name_span(attribute);
    if let Some(leading) = &args.leading {
        report.at(
            leading.span(),
            "the partition's name needs its key; write `name = \"...\"`",
        );
    }
    let mut parts = Parts::default();
    let mut is_right = true;
    for arg in &args.rest {
        is_right &= parts.read(arg, report);
    }
    let is_named = args.leading.is_some() || args.rest.iter().any(|arg| arg.key == "name");
    if !is_named {
        report.at(span, "a partition needs a name; write `name = \"...\"`");
    }
    let bound = parts.bound(span, is_right, report);
    Some(Partition {
        name: parts.name?,
        bound: bound?,
        renamed_from: parts.renamed_from,
    })
}

impl Parts {
    /// `false` where it is wrong and reported.
    fn read(&mut self, arg: &Arg, report: &mut Report) -> bool {
        let word = arg.key.to_string();
        match word.as_str() {
            "name" => {
                self.name = arg.string(report);
                return self.name.is_some();
            }
            "renamed_from" => {
                self.renamed_from = arg.string(report);
                return self.renamed_from.is_some();
            }
            "from" => self.from = values(arg, report),
            "to" => self.to = values(arg, report),
            "values" => self.values = values(arg, report),
            "hash" => self.hash = hash(arg, report),
            "default" => self.default = arg.flag(report),
            _ => {
                arg.unknown(
                    "partition",
                    "the options are `name`, `from`, `to`, `values`, `hash`, `default` and `renamed_from`",
                    report,
                );
                return false;
            }
        }
        self.words.push(arg.key.clone());
        match word.as_str() {
            "from" => self.from.is_some(),
            "to" => self.to.is_some(),
            "values" => self.values.is_some(),
            "hash" => self.hash.is_some(),
            _ => self.default,
        }
    }

    fn bound(&mut self, span: Span, is_right: bool, report: &mut Report) -> Option<At<Bound>> {
        let first = self.words.first().map_or(span, Ident::span);
        let bound = match (
            self.from.take(),
            self.to.take(),
            self.values.take(),
            self.hash.take(),
            self.default,
        ) {
            (Some(from), Some(to), None, None, false) => Bound::Range { from, to },
            (None, None, Some(values), None, false) => Bound::List(values),
            (None, None, None, Some((modulus, remainder)), false) => {
                Bound::Hash { modulus, remainder }
            }
            (None, None, None, None, true) => Bound::Default,
            _ => {
                if is_right {
                    report.at(
                        first,
                        "a partition says once which rows it holds; write `from(...), to(...)`, \
                         `values(...)`, `hash(modulus = 4, remainder = 0)` or `default`",
                    );
                }
                return None;
            }
        };
        Some(At::new(bound, first))
    }
}

fn values(arg: &Arg, report: &mut Report) -> Option<Vec<At<BoundValue>>> {
    let (list, _) = arg.list::<Expr>(report)?;
    // All are read, so that all mistakes are reported.
    let values: Vec<_> = list.iter().map(|expr| value(expr, report)).collect();
    values.into_iter().collect()
}

fn value(expr: &Expr, report: &mut Report) -> Option<At<BoundValue>> {
    let value = match predicate::read(expr) {
        Ok(Some(Value::Literal(literal, _))) => Some(BoundValue::Literal(literal)),
        Ok(Some(Value::Column(word))) if word == "minvalue" => Some(BoundValue::Min),
        Ok(Some(Value::Column(word))) if word == "maxvalue" => Some(BoundValue::Max),
        Ok(Some(Value::Column(word))) if word == "null" => Some(BoundValue::Null),
        Ok(_) => None,
        Err(error) => {
            report.push(error);
            return None;
        }
    };
    if value.is_none() {
        report.over(
            expr,
            format!(
                "a partition's bound is a literal, `minvalue` or `maxvalue`, and found `{}`; write one of them",
                expr.to_token_stream().to_string().replace(' ', "")
            ),
        );
    }
    Some(At::new(value?, expr.span()))
}

fn hash(arg: &Arg, report: &mut Report) -> Option<(At<u32>, At<u32>)> {
    const REMEDY: &str = "write `hash(modulus = 4, remainder = 0)`";
    let list = match &arg.value {
        ArgValue::List(tokens, _) => Punctuated::<Arg, Token![,]>::parse_terminated
            .parse2(tokens.clone())
            .unwrap_or_default(),
        _ => Punctuated::new(),
    };
    let (mut modulus, mut remainder) = (None, None);
    for inner in &list {
        let number = match &inner.value {
            ArgValue::Expr(expr) => syn::parse2::<LitInt>(expr.to_token_stream())
                .ok()
                .and_then(|int| Some(At::new(int.base10_parse::<u32>().ok()?, int.span()))),
            _ => None,
        };
        match inner.key.to_string().as_str() {
            "modulus" => modulus = number,
            "remainder" => remainder = number,
            _ => {}
        }
    }
    match (modulus, remainder) {
        (Some(modulus), Some(remainder)) if list.len() == 2 => Some((modulus, remainder)),
        _ => {
            report.at(
                arg.key.span(),
                format!("`hash` takes a modulus and a remainder; {REMEDY}"),
            );
            None
        }
    }
}
