//! What a change of a policy does to access, as far as logic tells.

use crate::access::{self, Difference, Undecided};
use crate::schema::{Column, Command, Expr, Policy, QualifiedName, Schema, Table};

use super::change::Change;
use super::hazard::{Hazard, Subject};
use super::policies::{commands, object, roles, same_rule};
use super::{memberships, readers};

fn subject(policy: &str, name: &QualifiedName, fate: &str) -> Subject {
    Subject::new(object(policy, name), fate)
}

/// What a policy that is new or changed does to access, and what the policies do that read what it shows. What it reads
/// may change under it: the step that changes a column tells that.
pub(super) fn changed(
    change: &Change<'_>,
    policy: &str,
    name: &QualifiedName,
    (before, after): (&Table, &Table),
    new: &Policy,
) -> Vec<Hazard> {
    let old = before.rls.policies().get(policy);
    let mut told = verdicts(change, policy, name, (before, after), new);
    let others = shown_through(change, policy, name, [old, Some(new)], &told);
    told.extend(others);
    told
}

fn verdicts(
    change: &Change<'_>,
    policy: &str,
    name: &QualifiedName,
    (before, after): (&Table, &Table),
    new: &Policy,
) -> Vec<Hazard> {
    // No policy lets through more than a table without row-level security did.
    if !before.rls.is_enabled() {
        return Vec::new();
    }
    let widens = |fate: &str| Hazard::WidensAccess(subject(policy, name, fate));
    let narrows = |fate: &str| Hazard::NarrowsAccess(subject(policy, name, fate));
    let Some(old) = before.rls.policies().get(policy) else {
        let mut others = before.rls.policies().values();
        return match new.restrictive {
            true => vec![narrows("new")],
            false if others.any(|old| covers(change, (before, old), (after, new))) => Vec::new(),
            false => vec![widens("new")],
        };
    };
    let (old, new) = (&memberships::declared(old), &memberships::declared(new));
    let (mut wider, mut narrower) = (Vec::new(), Vec::new());
    let found = match same_rule(old, new) {
        false => rule_difference(change, (before, old), (after, new)),
        // It is written anew all the same, and its literals are read anew.
        true => {
            let itself = rule_difference(change, (after, new), (after, new));
            itself.map(|_| Difference::default())
        }
    };
    match found {
        Ok(difference) => {
            wider.extend(difference.wider);
            narrower.extend(difference.narrower);
        }
        Err(undecided) => return vec![widens(&format!("changed, {undecided}"))],
    }
    let (more, fewer) = match new.restrictive {
        false => (&mut wider, &mut narrower),
        true => (&mut narrower, &mut wider),
    };
    if !new.roles.is_subset(&old.roles) {
        more.push("for more roles".to_owned());
    }
    if !new.roles.is_superset(&old.roles) {
        fewer.push("for fewer roles".to_owned());
    }
    let told = |fates: Vec<String>| (!fates.is_empty()).then(|| fates.join(", and "));
    let wider = told(wider).map(|fate| widens(&fate));
    let narrower = told(narrower).map(|fate| narrows(&fate));
    wider.into_iter().chain(narrower).collect()
}

/// [`readers::through`] for a policy, if it was, or is, for those who read.
fn shown_through(
    change: &Change<'_>,
    policy: &str,
    name: &QualifiedName,
    sides: [Option<&Policy>; 2],
    hazards: &[Hazard],
) -> Vec<Hazard> {
    let mut sides = sides.into_iter().flatten();
    match sides.any(readers::is_for_reading) {
        true => readers::through(change, name, &object(policy, name), hazards),
        false => Vec::new(),
    }
}

/// What the rule of a policy lets through that another did not, and what no more; or why logic does not tell.
fn rule_difference(
    change: &Change<'_>,
    (before, old): (&Table, &Policy),
    (after, new): (&Table, &Policy),
) -> Result<Difference, Undecided> {
    if old.restrictive != new.restrictive {
        return Err(Undecided::Restrictive(new.restrictive));
    }
    let both: Vec<Command> = commands(old)
        .filter(|command| commands(new).any(|it| it == *command))
        .collect();
    let command = match both.as_slice() {
        [command] => command.as_str().to_owned(),
        _ => "every command".to_owned(),
    };
    let roles = roles(new);
    let mut told = Difference::default();
    let reads = both.iter().any(|it| *it != Command::Insert);
    let writes = both
        .iter()
        .any(|it| matches!(it, Command::Insert | Command::Update));
    let clauses = [
        (reads, "reaches", old.using.as_ref(), new.using.as_ref()),
        // Without a check what may be reached may be written.
        (
            writes,
            "writes",
            old.check.as_ref().or(old.using.as_ref()),
            new.check.as_ref().or(new.using.as_ref()),
        ),
    ];
    for (is, verb, old, new) in clauses {
        if !is {
            continue;
        }
        let found = access::difference((old, before, change.from), (new, after, change.to))?;
        let (bared, covered) = (hidden(change.from, old, new), hidden(change.to, new, old));
        let words = |when: &str, what: String| format!("{command} by {roles} {when} {verb} {what}");
        let place = |known: &mut Option<String>, when, what: Option<String>| {
            if let (None, Some(what)) = (&known, what) {
                *known = Some(words(when, what));
            }
        };
        place(
            &mut told.wider,
            "now",
            found.wider.or(bared.wider).or(covered.narrower),
        );
        place(
            &mut told.narrower,
            "no longer",
            found.narrower.or(bared.narrower).or(covered.wider),
        );
    }
    let only = |one: &Policy, other: &Policy, when: &str| {
        let rest = commands(one).filter(|command| commands(other).all(|it| it != *command));
        let rest: Vec<&str> = rest.map(Command::as_str).collect();
        (!rest.is_empty()).then(|| format!("{when} for {}", rest.join(", ")))
    };
    let also = |known: Option<String>, more| {
        let both: Vec<String> = known.into_iter().chain(more).collect();
        (!both.is_empty()).then(|| both.join(", and "))
    };
    let (gained, lost) = (only(new, old, "now"), only(old, new, "no longer"));
    // A restrictive policy takes away, and nothing where it no longer is.
    let (more, fewer) = match new.restrictive {
        false => (gained, lost),
        true => (lost, gained),
    };
    told.wider = also(told.wider, more);
    told.narrower = also(told.narrower, fewer);
    Ok(told)
}

/// What an expression that reads a table itself and one for which a function does let through in different ways, since the
/// policies of the table, if it has row-level security in that schema, hide its rows from the first one: more where the
/// function serves, and fewer too unless fewer rows can only mean fewer.
fn hidden(schema: &Schema, itself: Option<&Expr>, by_function: Option<&Expr>) -> Difference {
    let (Some(itself), Some(by_function)) = (itself, by_function) else {
        return Difference::default();
    };
    let read = itself.reads();
    let hides = |name: &QualifiedName| {
        let table = schema.tables.get(name);
        table.is_none_or(|table| table.rls.is_enabled())
    };
    let is_read = |name: &QualifiedName| read.iter().any(|read| read.may_be(name));
    let looked_up = by_function.lookups.values().map(|lookup| &lookup.table);
    let hiding: Vec<&QualifiedName> = looked_up
        .filter(|table| is_read(table) && hides(table))
        .collect();
    let grows = |table: &&&QualifiedName| access::grows_with(itself, &table.name, [schema, schema]);
    match hiding.iter().find(|table| !grows(table)) {
        Some(table) => {
            let depending = format!("rows that depend on what the policies of {table} hide");
            Difference {
                wider: Some(depending.clone()),
                narrower: Some(depending),
            }
        }
        None => Difference {
            wider: hiding
                .first()
                .map(|table| format!("what the policies of {table} hide")),
            narrower: None,
        },
    }
}

/// Whether a policy that takes another one's place is sure to let nothing through that the other did not: over the same
/// columns, and without a look at other tables, since only of a policy that stays is it told what changes under it.
fn covers(
    change: &Change<'_>,
    (before, old): (&Table, &Policy),
    (after, new): (&Table, &Policy),
) -> bool {
    let is_kept = |column: &Column| {
        let other = after.column(&column.name);
        other.is_none_or(|other| other == column)
    };
    let reads_others = |policy: &Policy| {
        let mut exprs = policy.using.iter().chain(&policy.check);
        exprs.any(|expr| !expr.tables.is_empty())
    };
    let is_for_all = match new.restrictive {
        false => new.roles.is_subset(&old.roles),
        true => new.roles.is_superset(&old.roles),
    };
    is_for_all
        && !reads_others(old)
        && !reads_others(new)
        && before.columns.iter().all(is_kept)
        && rule_difference(change, (before, old), (after, new)).is_ok_and(|it| it.wider.is_none())
}

/// What the end of a policy does to access; nothing where row-level security ends with it.
pub(super) fn dropped(
    change: &Change<'_>,
    policy: &str,
    name: &QualifiedName,
    old: &Policy,
    (before, after): (&Table, &Table),
) -> Vec<Hazard> {
    if !after.rls.is_enabled() {
        return Vec::new();
    }
    let subject = subject(policy, name, "dropped");
    let mut others = after.rls.policies().values();
    let mut told = match old.restrictive {
        false => vec![Hazard::NarrowsAccess(subject)],
        true if others.any(|new| covers(change, (before, old), (after, new))) => Vec::new(),
        true => vec![Hazard::WidensAccess(subject)],
    };
    let others = shown_through(change, policy, name, [Some(old), None], &told);
    told.extend(others);
    told
}
