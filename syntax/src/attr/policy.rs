//! `#[policy("name", command, scope = …, restrictive, columns(…), using = …, check = …)]`, `#[policy(deny_all)]`,
//! `#[tenant(…)]`, `#[no_rls(…)]`

use proc_macro2::{Ident, Span};
use syn::Attribute;
use tabellion_sql::schema::Command;

use super::args::{ArgValue, Field, name_span};
use super::{Arg, Args};
use crate::Report;
use crate::ast::{At, PathRef, Policy};
use crate::predicate::{self, Comparison, Node, Predicate, SpanOf, Value};
use crate::table::snake_case;

/// What one attribute says about row-level security.
pub(crate) enum RlsAttr {
    Policy(Box<Policy>),
    Tenant(Tenant),
    DenyAll,
    None {
        reason: At<String>,
        allow: Vec<Command>,
    },
}

/// What `#[tenant]` stands for.
pub(crate) struct Tenant {
    pub(crate) scope: Option<PathRef>,
    pub(crate) restrictive: bool,
    pub(crate) policies: Vec<Policy>,
}

pub(crate) fn policy(attribute: &Attribute, report: &mut Report) -> Option<RlsAttr> {
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    if let [only] = args.rest.as_slice()
        && only.key == "deny_all"
        && args.leading.is_none()
    {
        only.flag(report);
        return Some(RlsAttr::DenyAll);
    }
    let Some(name) = args.leading else {
        report.at(
            name_span(attribute),
            "the policy has no name; write `#[policy(\"name\", command, ...)]`",
        );
        return None;
    };
    let name = At::new(name.value(), name.span());
    let mut command: Option<(Option<Command>, Span)> = None;
    // A word that is no command must not be reported as a missing one as well.
    let mut is_wrong = false;
    let (mut using, mut check) = (None, None);
    let (mut scope, mut restrictive, mut columns) = (None, false, None);
    // A clause that is there but wrong must not be reported as missing as well.
    let (mut using_at, mut check_at) = (None, None);
    for arg in &args.rest {
        let key = arg.key.to_string();
        match key.as_str() {
            "using" => {
                using_at = Some(arg.key.span());
                using = clause(arg, report);
            }
            "check" => {
                check_at = Some(arg.key.span());
                check = clause(arg, report);
            }
            "scope" => scope = arg.path(report),
            "restrictive" => restrictive = arg.flag(report),
            "columns" => {
                columns = arg.list::<Field>(report).map(|(fields, _)| {
                    let fields = fields.into_iter().map(|Field(field)| field).collect();
                    At::new(fields, arg.key.span())
                });
            }
            _ => match word(&key) {
                Some(read) => {
                    arg.flag(report);
                    if command.is_some() {
                        report.at(
                            arg.key.span(),
                            format!(
                                "policy `{}` has two commands; write one policy for each, or `all`",
                                name.value
                            ),
                        );
                    }
                    command = Some((read, arg.key.span()));
                }
                None if matches!(arg.value, ArgValue::Flag) => {
                    is_wrong = true;
                    report.at(
                        arg.key.span(),
                        format!(
                            "no command `{key}` for policy `{}`; use `select`, `insert`, `update`, \
                             `delete` or `all`",
                            name.value
                        ),
                    );
                }
                None => arg.unknown(
                    "policy",
                    "the options are `using`, `check`, `scope`, `restrictive` and `columns`",
                    report,
                ),
            },
        }
    }
    let Some((command, span)) = command else {
        if !is_wrong {
            report.at(
                name.span,
                format!(
                    "policy `{}` has no command; add `select`, `insert`, `update`, `delete` or `all`",
                    name.value
                ),
            );
        }
        return None;
    };
    clauses(&name.value, command, span, using_at, check_at, report);
    Some(RlsAttr::Policy(Box::new(Policy {
        name,
        command,
        scope,
        restrictive,
        columns,
        using,
        check,
    })))
}

fn word(key: &str) -> Option<Option<Command>> {
    if key == "all" {
        return Some(None);
    }
    Command::ALL
        .into_iter()
        .find(|command| command.as_str() == key)
        .map(Some)
}

fn clause(arg: &Arg, report: &mut Report) -> Option<Predicate> {
    let expr = arg.expr(report)?;
    predicate::parse(expr, report)
}

/// Which clauses a command takes. Source: https://www.postgresql.org/docs/15/sql-createpolicy.html,
/// but for UPDATE and ALL, where we want both written: a missing WITH CHECK repeats USING silently.
fn clauses(
    policy: &str,
    command: Option<Command>,
    at: Span,
    using: Option<Span>,
    check: Option<Span>,
    report: &mut Report,
) {
    let word = command.map_or("all", Command::as_str);
    let takes_using = command != Some(Command::Insert);
    let takes_check = !matches!(command, Some(Command::Select | Command::Delete));
    for (clause, takes, given, other, other_given) in [
        ("using", takes_using, using, "check", check),
        ("check", takes_check, check, "using", using),
    ] {
        match (given, other_given) {
            (Some(span), None) if !takes => report.at(
                span,
                format!("policy `{policy}` for `{word}` takes no `{clause}`; write it as `{other} = ...`"),
            ),
            (Some(span), Some(_)) if !takes => report.at(
                span,
                format!("policy `{policy}` for `{word}` takes no `{clause}`; remove it"),
            ),
            // With the clause that it does not take, it has said so already.
            (None, Some(_)) if takes && !(takes_using && takes_check) => {}
            (None, _) if takes => report.at(
                at,
                format!("policy `{policy}` for `{word}` has no `{clause}`; add `{clause} = ...`"),
            ),
            _ => {}
        }
    }
}

pub(crate) fn tenant(attribute: &Attribute, report: &mut Report) -> Option<RlsAttr> {
    let span = name_span(attribute);
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let wrong = "`#[tenant]` pairs columns with the scope; write `#[tenant(column = scope.field)]`";
    if let Some(leading) = &args.leading {
        report.at(leading.span(), wrong);
        return None;
    }
    if args.rest.is_empty() {
        report.at(span, wrong);
        return None;
    }
    let mut node: Option<Node> = None;
    let mut is_wrong = false;
    let (mut scope, mut restrictive) = (None, false);
    for arg in &args.rest {
        // A column may have the name of an option: then a field of the scope follows.
        let is_pair =
            matches!(&arg.value, ArgValue::Expr(expr) if matches!(**expr, syn::Expr::Field(_)));
        if arg.key == "scope" && !is_pair {
            scope = arg.path(report);
            is_wrong |= scope.is_none();
            continue;
        }
        if arg.key == "restrictive" && !is_pair {
            restrictive = arg.flag(report);
            is_wrong |= !restrictive;
            continue;
        }
        let value = match &arg.value {
            ArgValue::Expr(expr) => predicate::read(expr),
            _ => Ok(None),
        };
        let Ok(Some(value @ Value::Scope(_))) = value else {
            is_wrong = true;
            match &arg.value {
                ArgValue::Expr(expr) => report.over(expr, wrong),
                _ => report.at(arg.key.span(), wrong),
            }
            continue;
        };
        let column = Value::Column(arg.key.clone());
        let equal = Node::Compare(Comparison::Eq, column, value, SpanOf(arg.key.span()));
        node = Some(match node {
            None => equal,
            Some(node) => Node::And(Box::new(node), Box::new(equal)),
        });
    }
    if is_wrong {
        return None;
    }
    let Some(node) = node else {
        report.at(span, wrong);
        return None;
    };
    let predicate = Predicate::Typed(node);
    // Policies have their names in common for the whole table.
    let of = match scope.as_ref().and_then(|path| path.0.segments.last()) {
        Some(scope) => format!("_{}", snake_case(&scope.ident)),
        None => String::new(),
    };
    let policy = |word: &str, command: Option<Command>| Policy {
        name: At::new(format!("tenant_{word}{of}"), span),
        command,
        scope: scope.clone(),
        restrictive,
        columns: None,
        using: (command != Some(Command::Insert)).then(|| predicate.clone()),
        check: (!matches!(command, Some(Command::Select | Command::Delete)))
            .then(|| predicate.clone()),
    };
    let policies = match restrictive {
        true => vec![policy("guard", None)],
        false => Command::ALL
            .map(|command| policy(command.as_str(), Some(command)))
            .into(),
    };
    Some(RlsAttr::Tenant(Tenant {
        scope,
        restrictive,
        policies,
    }))
}

pub(crate) fn no_rls(attribute: &Attribute, report: &mut Report) -> Option<RlsAttr> {
    let span = name_span(attribute);
    let missing = "`#[no_rls]` needs a reason; write `#[no_rls(reason = \"...\")]`";
    if let syn::Meta::Path(_) = attribute.meta {
        report.at(span, missing);
        return None;
    }
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let mut reason = None;
    let mut allow = Vec::new();
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "reason" => reason = Some(arg.string(report)?),
            "allow" => {
                let (words, _) = arg.list::<Field>(report)?;
                for Field(ident) in words {
                    let Some(command) = allowed(&ident, report) else {
                        continue;
                    };
                    if allow.contains(&command) {
                        report.at(
                            ident.span(),
                            format!("`{ident}` stands twice in `allow`; remove one"),
                        );
                    }
                    allow.push(command);
                }
            }
            _ => arg.unknown("no_rls", "the options are `reason` and `allow`", report),
        }
    }
    match reason {
        None => {
            report.at(span, missing);
            None
        }
        Some(reason) if reason.value.trim().is_empty() => {
            report.at(
                reason.span,
                "the reason is empty; say why the table needs no row-level security",
            );
            None
        }
        Some(reason) if reason.value.contains('\0') => {
            report.at(reason.span, "the reason holds a NUL character; remove it");
            None
        }
        Some(reason) => Some(RlsAttr::None { reason, allow }),
    }
}

fn allowed(ident: &Ident, report: &mut Report) -> Option<Command> {
    let command = word(&ident.to_string()).flatten();
    if command.is_none() {
        report.at(
            ident.span(),
            format!("no command `{ident}`; use `select`, `insert`, `update` or `delete`"),
        );
    }
    command
}
