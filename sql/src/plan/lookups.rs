//! Functions that look memberships up for policies.
//!
//! One has the rights of its owner, whom no policy may bind: else it would find nothing, or the policies would lead
//! back after all. So only a role that passes policies by can make one, and the file says so before it begins.

use crate::ident::{quote, quote_dollar};
use crate::schema::{Lookup, QualifiedName, Schema};

use super::statements::Plan;
use super::touch;

const TITLE: &str = "memberships";

/// The SQLSTATE with which a file ends that makes such a function, where policies bind whoever runs it. It is none of
/// PostgreSQL's: with `insufficient_privilege` nobody could tell it from what a trigger says.
pub const BOUND: &str = "TB001";

/// Creates the functions that `to` needs and `from` has not, and lets those call one that have a policy which does.
///
/// A body is read when it is run, so that a function may stand before the tables that it names.
pub(super) fn create(from: &Schema, to: &Schema, plan: &mut Plan) {
    let existing = from.lookups();
    let needed = to.lookups();
    let group = plan.group(TITLE);
    if needed.keys().any(|name| !existing.contains_key(name)) {
        group.push(bypass());
    }
    for (name, (lookup, roles)) in needed {
        let known = existing.get(name).map(|(_, roles)| roles);
        if known.is_none() {
            group.push(definition(name, lookup));
        }
        // It was made where other roles had privileges by default.
        if known.is_none() || from.platform != to.platform {
            let everyone = touch::everyone(to.platform);
            group.push(format!("revoke all on function {name}() from {everyone}"));
        }
        let is_new = |role: &&&str| known.is_none_or(|known| !known.contains(**role));
        let news: Vec<_> = roles
            .iter()
            .filter(is_new)
            .map(|role| quote(role))
            .collect();
        if !news.is_empty() {
            let news = news.join(", ");
            group.push(format!("grant execute on function {name}() to {news}"));
        }
    }
}

/// Drops the functions that `from` needed and `to` does not, and takes from whom no policy lets call one any more.
pub(super) fn drop(from: &Schema, to: &Schema, plan: &mut Plan) {
    let kept = to.lookups();
    let group = plan.group(TITLE);
    for (name, (_, roles)) in from.lookups() {
        let Some((_, left)) = kept.get(name) else {
            group.push(format!("drop function {name}()"));
            continue;
        };
        let gone: Vec<_> = roles.difference(left).map(|role| quote(role)).collect();
        if !gone.is_empty() {
            let gone = gone.join(", ");
            group.push(format!("revoke execute on function {name}() from {gone}"));
        }
    }
}

fn definition(name: &QualifiedName, lookup: &Lookup) -> String {
    // Named last, since it comes first where it is not named: whoever calls the function may make types there.
    format!(
        "create function {name}() returns setof {}\n  \
         language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp\n\
         as {}",
        lookup.returns,
        quote_dollar(&lookup.body())
    )
}

/// Ends the file where whoever runs it is bound by policies.
fn bypass() -> String {
    let body = format!(
        "begin\n  \
           if not exists (\n    \
             select from pg_catalog.pg_roles where rolname = current_user and (rolsuper or rolbypassrls)\n  \
           ) then\n    \
             raise exception using errcode = '{BOUND}',\n      \
               message = 'policies bind this role, and would bind the functions that look memberships up for them',\n      \
               hint = 'Run it as a superuser or as a role with BYPASSRLS.';\n  \
           end if;\n\
         end"
    );
    format!("do {}", quote_dollar(&body))
}
