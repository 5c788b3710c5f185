//! `#[allow_rule("code", reason = "…")]`

use syn::Attribute;
use tabellion_sql::rule::{self, Level};

use super::Args;
use super::args::name_span;
use crate::Report;
use crate::ast::{Allowed, At};

pub(crate) fn allow_rule(attribute: &Attribute, report: &mut Report) -> Option<Allowed> {
    let args = Args::of(attribute, report)?;
    args.unique_keys(report);
    let Some(code) = &args.leading else {
        report.at(
            name_span(attribute),
            "`#[allow_rule]` names no rule; write `#[allow_rule(\"code\", reason = \"...\")]`",
        );
        return None;
    };
    let code = At::new(code.value(), code.span());
    let mut reason = None;
    for arg in &args.rest {
        match arg.key.to_string().as_str() {
            "reason" => reason = Some(arg.string(report)?),
            _ => arg.unknown("allow_rule", "the only option is `reason`", report),
        }
    }
    known(&code, report);
    match reason {
        None => report.at(
            code.span,
            format!(
                "rule `{0}` is allowed without a reason; write `#[allow_rule(\"{0}\", reason = \"...\")]`",
                code.value
            ),
        ),
        Some(reason) if reason.value.trim().is_empty() => report.at(
            reason.span,
            format!(
                "the reason is empty; say why what rule `{}` finds is harmless here",
                code.value
            ),
        ),
        Some(_) => return Some(Allowed { code }),
    }
    None
}

/// The code is that of a rule which can be allowed.
fn known(code: &At<String>, report: &mut Report) {
    let At { value, span } = code;
    let message = match rule::page(value).map(|page| (page.level, page.code)) {
        Some((Level::Warning, found)) if found != "unneeded-allowance" => return,
        Some((Level::Lint, _)) => format!(
            "rule `{value}` is about migrations written by hand, not about a struct; remove the attribute"
        ),
        Some(_) => format!(
            "rule `{value}` cannot be allowed; mend what it finds, as `cargo tabellion explain {value}` says"
        ),
        None => match rule::nearest(value) {
            Some(near) => format!("no rule `{value}`; a rule with a similar name exists: `{near}`"),
            None => format!("no rule `{value}`; `cargo tabellion explain` lists them"),
        },
    };
    report.at(*span, message);
}
