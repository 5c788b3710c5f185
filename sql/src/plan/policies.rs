//! Policies: altered in place where PostgreSQL can, else dropped early and created late, so that no
//! moment between lets in more than both ends.

use crate::access::{self, Difference, Undecided};
use crate::ident::quote;
use crate::schema::{Command, Expr, Policy, QualifiedName, Schema, Table};

use super::change::{Change, Columns};
use super::hazard::{Hazard, Subject};
use super::statements::{Group, Step};
use super::{memberships, partitions, readers};

/// A policy as a hazard names it.
pub(super) fn object(policy: &str, name: &QualifiedName) -> String {
    format!("policy {} on {name}", quote(policy))
}

fn subject(policy: &str, name: &QualifiedName, fate: &str) -> Subject {
    Subject::new(object(policy, name), fate)
}

/// Creates the policies of a new table, on each of its partitions too.
pub(super) fn create_all(name: &QualifiedName, table: &Table, group: &mut Group) {
    for relation in partitions::relations(name, table) {
        let policies = || table.rls.policies().iter();
        let restrictive = policies().filter(|(_, policy)| policy.restrictive);
        let permissive = policies().filter(|(_, policy)| !policy.restrictive);
        for (policy, definition) in restrictive.chain(permissive) {
            group.push(create(&relation, policy, definition));
        }
    }
}

/// Drops, of a table that stays, the policies that `after` lacks, and those that cannot stay while
/// what they read changes.
pub(super) fn drop_stale(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let columns = Columns::of(before, after);
    for (policy, old) in before.rls.policies() {
        let new = after.rls.policies().get(policy);
        if new.is_some_and(|new| !steps_aside(change, &columns, old, new)) {
            continue;
        }
        // What takes away goes last, lest what it takes away from stands open meanwhile.
        if new.is_none() && old.restrictive && !change.moves(old, &columns) {
            continue;
        }
        let first = group.steps.len();
        for relation in kept(name, before, after) {
            group.push(drop(&relation, policy));
        }
        if new.is_none()
            && let Some(step) = group.steps.get_mut(first)
        {
            step.hazards
                .extend(dropped(change, policy, name, old, after));
        }
    }
}

/// Drops every policy of a table that goes. They may read a table that changes before it does.
pub(super) fn drop_all(name: &QualifiedName, table: &Table, group: &mut Group) {
    for relation in partitions::relations(name, table) {
        for policy in table.rls.policies().keys() {
            group.push(drop(&relation, policy));
        }
    }
}

/// Creates what is new, alters what has changed, creates again what had to step aside.
pub(super) fn build(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let columns = Columns::of(before, after);
    let policies = || after.rls.policies().iter();
    let restrictive = policies().filter(|(_, policy)| policy.restrictive);
    let permissive = policies().filter(|(_, policy)| !policy.restrictive);
    for (policy, new) in restrictive.chain(permissive) {
        let old = before.rls.policies().get(policy);
        let steps: Vec<Step> = match old {
            Some(old) if !steps_aside(change, &columns, old, new) => kept(name, before, after)
                .filter_map(|relation| alter(&relation, policy, old, new))
                .collect(),
            _ => kept(name, before, after)
                .map(|relation| create(&relation, policy, new))
                .collect(),
        };
        let first = group.steps.len();
        group.steps.extend(steps);
        if let Some(step) = group.steps.get_mut(first) {
            let told = verdicts(change, policy, name, (before, after), new);
            let others = shown_through(change, policy, name, [old, Some(new)], &told);
            step.hazards.extend(told);
            step.hazards.extend(others);
        }
        for partition in partitions::only_in(after, before) {
            let partition = partitions::qualified(name, partition);
            group.push(create(&partition, policy, new));
        }
    }
    for (policy, old) in before.rls.policies() {
        let goes = old.restrictive && !after.rls.policies().contains_key(policy);
        if !goes || change.moves(old, &columns) {
            continue;
        }
        let first = group.steps.len();
        for relation in kept(name, before, after) {
            group.push(drop(&relation, policy));
        }
        if let Some(step) = group.steps.get_mut(first) {
            step.hazards
                .extend(dropped(change, policy, name, old, after));
        }
    }
}

/// The table and the partitions that stay.
fn kept<'a>(
    name: &'a QualifiedName,
    before: &'a Table,
    after: &'a Table,
) -> impl Iterator<Item = QualifiedName> + 'a {
    let stays = |partition: &&String| before.partitions.contains_key(*partition);
    let partitions = after.partitions.keys().filter(stays);
    let partitions = partitions.map(|partition| partitions::qualified(name, partition));
    std::iter::once(name.clone()).chain(partitions)
}

/// Whether a policy cannot become another by ALTER POLICY, which changes no command, takes away no
/// clause, and may name only what is there.
fn steps_aside(change: &Change<'_>, columns: &Columns, old: &Policy, new: &Policy) -> bool {
    old.command != new.command
        || old.restrictive != new.restrictive
        || old.using.is_some() != new.using.is_some()
        || old.check.is_some() != new.check.is_some()
        || change.moves(old, columns)
        || change.moves(new, columns)
}

/// What a change of a policy does to access, as far as logic tells. What it reads may change under it:
/// the step that changes a column tells that.
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
        return vec![match new.restrictive {
            true => narrows("new"),
            false => widens("new"),
        }];
    };
    let (old, new) = (&memberships::declared(old), &memberships::declared(new));
    let (mut wider, mut narrower) = (Vec::new(), Vec::new());
    if !same_rule(old, new) {
        match rule_difference(change, (before, old), (after, new)) {
            Ok(difference) => {
                wider.extend(difference.wider);
                narrower.extend(difference.narrower);
            }
            Err(undecided) => return vec![widens(&format!("changed, {undecided}"))],
        }
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

/// The commands that a policy is for.
pub(super) fn commands(policy: &Policy) -> impl Iterator<Item = Command> {
    let of = policy.command;
    let every = Command::ALL.into_iter();
    every.filter(move |command| of.is_none_or(|of| of == *command))
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
    let grows = |table: &&&QualifiedName| access::grows_with(itself, &table.name);
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

/// Whether two policies say the same, to whomever they say it.
fn same_rule(old: &Policy, new: &Policy) -> bool {
    let text = |expr: &Option<Expr>| expr.as_ref().map(|expr| expr.written().into_owned());
    text(&old.using) == text(&new.using)
        && text(&old.check) == text(&new.check)
        && old.command == new.command
        && old.restrictive == new.restrictive
}

/// What the end of a policy does to access; nothing where row-level security ends with it.
fn dropped(
    change: &Change<'_>,
    policy: &str,
    name: &QualifiedName,
    old: &Policy,
    after: &Table,
) -> Vec<Hazard> {
    if !after.rls.is_enabled() {
        return Vec::new();
    }
    let subject = subject(policy, name, "dropped");
    let mut told = vec![match old.restrictive {
        true => Hazard::WidensAccess(subject),
        false => Hazard::NarrowsAccess(subject),
    }];
    let others = shown_through(change, policy, name, [Some(old), None], &told);
    told.extend(others);
    told
}

fn drop(name: &QualifiedName, policy: &str) -> Step {
    Step::new(format!("drop policy {} on {name}", quote(policy))).stops(name)
}

fn create(name: &QualifiedName, policy: &str, definition: &Policy) -> Step {
    let command = definition.command.map_or("all", Command::as_str);
    let mut text = format!(
        "create policy {} on {name}\n  as {} for {command} to {}",
        quote(policy),
        match definition.restrictive {
            true => "restrictive",
            false => "permissive",
        },
        roles(definition)
    );
    text.push_str(&clauses(definition));
    Step::new(text).stops(name)
}

fn alter(name: &QualifiedName, policy: &str, old: &Policy, new: &Policy) -> Option<Step> {
    if same_rule(old, new) && old.roles == new.roles {
        return None;
    }
    let mut text = format!("alter policy {} on {name}", quote(policy));
    if old.roles != new.roles {
        text.push_str(&format!("\n  to {}", roles(new)));
    }
    text.push_str(&clauses(new));
    Some(Step::new(text).stops(name))
}

fn roles(policy: &Policy) -> String {
    let roles: Vec<_> = policy.roles.iter().map(|role| quote(role)).collect();
    roles.join(", ")
}

fn clauses(policy: &Policy) -> String {
    let mut text = String::new();
    if let Some(using) = &policy.using {
        text.push_str(&format!("\n  using ({})", using.written()));
    }
    if let Some(check) = &policy.check {
        text.push_str(&format!("\n  with check ({})", check.written()));
    }
    text
}
