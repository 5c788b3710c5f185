//! Columns of a table that stays: dropped, added, altered.

use crate::ident::quote;
use crate::schema::{Column, Generated, Platform, QualifiedName, Table, Type, cast};

use super::change::{Change, Columns, keeps_computed};
use super::effects::Changed;
use super::filler::{Filler, filler, is_volatile, may_clash, tells_rows_apart, way_back};
use super::hazard::{Hazard, Subject};
use super::statements::{Group, Step};
use super::{constraints, indexes, numbering, render, rls, touch};

fn subject(name: &QualifiedName, column: &str, fate: impl Into<String>) -> Subject {
    Subject::new(constraints::column(name, column), fate)
}

/// Drops what `after` lacks or has anew, and the triggers that are not to be there.
pub(super) fn clear(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let from = change.from;
    let columns = Columns::of(before, after);
    // What is no longer computed must not stand in the way of what it reads.
    for old in before.columns.iter().filter(|old| old.computed.is_some()) {
        let new = after.column(&old.name);
        let stays = !columns.gone.contains(&old.name);
        if let Some(new) = new.filter(|new| stays && new.computed.is_none()) {
            let ident = quote(&old.name);
            let text = format!("alter table {name} alter column {ident} drop expression");
            let first = group.steps.len();
            group.push(Step::new(text).stops(name));
            changed(name, old, new, &columns).tell(change, group, first);
        }
    }
    // What is computed goes first: it reads others.
    let (computed, plain): (Vec<&Column>, Vec<&Column>) = before
        .columns
        .iter()
        .partition(|column| column.computed.is_some());
    for old in computed.into_iter().chain(plain) {
        let kept = after
            .column(&old.name)
            .filter(|_| !columns.gone.contains(&old.name));
        if old.updated_at && !kept.is_some_and(|new| new.updated_at) {
            let first = group.steps.len();
            group.push(touch::remove(name, old));
            if let Some(new) = kept {
                changed(name, old, new, &columns).tell(change, group, first);
            }
        }
        if kept.is_some() {
            continue;
        }
        let step = Step::new(format!(
            "alter table {name} drop column {}",
            quote(&old.name)
        ));
        let step = step.stops(name);
        let lost = |fate: String| Hazard::LosesData(subject(name, &old.name, fate));
        group.push(match after.column(&old.name) {
            // What is computed can be computed again.
            Some(new) if old.computed.is_some() && new.computed.is_some() => step,
            Some(_) if old.computed.is_some() => {
                step.with(lost("no longer computed, and given new values".to_owned()))
            }
            Some(new) => {
                // The way back keeps what was computed, where it can.
                let back = match keeps_computed(new, old) && !may_clash(from, name, before, old) {
                    true => String::new(),
                    false => way_back(from, name, before, old),
                };
                step.with(lost(format!("replaced by a generated one{back}")))
            }
            None if old.computed.is_some() => {
                step.removes(constraints::column(name, &old.name), "dropped")
            }
            None => step.with(lost(format!(
                "dropped{}",
                way_back(from, name, before, old)
            ))),
        });
    }
}

fn changed<'a>(
    table: &'a QualifiedName,
    old: &'a Column,
    new: &'a Column,
    columns: &Columns,
) -> Changed<'a> {
    let replaced = columns.replaced.contains(&old.name);
    Changed {
        table,
        old,
        new,
        replaced,
    }
}

/// Adds what `before` lacks, alters what differs.
pub(super) fn build(
    change: &Change<'_>,
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    group: &mut Group,
) {
    let platform = change.to.platform;
    let columns = Columns::of(before, after);
    // What is computed comes last: it may read what changes.
    let (computed, plain): (Vec<&Column>, Vec<&Column>) = after
        .columns
        .iter()
        .partition(|column| column.computed.is_some());
    for new in plain.into_iter().chain(computed) {
        let earlier = before.column(&new.name);
        let old = earlier.filter(|_| !columns.gone.contains(&new.name));
        let first = group.steps.len();
        match old {
            None => add(name, before, after, new, platform, group),
            Some(old) => {
                numbering::clear(name, old, new, group);
                let settled = constraints::is_settled(before, after, &new.name);
                alter(name, (before, after), old, new, settled, group);
                numbering::build(name, before, old, new, group);
                if old.generated != new.generated
                    && let Some(sequence) = render::sequence(name, new)
                {
                    group.push(rls::revoke_sequence(&sequence, after, platform));
                }
            }
        }
        if new.updated_at && !old.is_some_and(|old| old.updated_at) {
            group.push(touch::create(name, new));
        }
        // Those two are told where they go.
        let is_told = |old: &Column| {
            (old.computed.is_some() && new.computed.is_none())
                || (old.updated_at && !new.updated_at)
        };
        if let Some(earlier) = earlier
            && !old.is_some_and(is_told)
        {
            changed(name, earlier, new, &columns).tell(change, group, first);
        }
    }
}

fn add(
    name: &QualifiedName,
    before: &Table,
    table: &Table,
    new: &Column,
    platform: Platform,
    group: &mut Group,
) {
    let filler = filler(new, table);
    let is_identity = render::identity(new.generated).is_some();
    // PostgreSQL adds no identity to partitions that exist: their rows are numbered otherwise first.
    let serial = Column {
        generated: Some(Generated::Serial),
        ..new.clone()
    };
    let by_serial = is_identity && table.partition_by.is_some();
    let mut definition = render::column(if by_serial { &serial } else { new });
    if let Filler::Value(value) = &filler {
        definition.push_str(&format!(" default {value}"));
    }
    let step = Step::new(format!("alter table {name} add column {definition}")).stops(name);
    let step = match filler {
        Filler::Not => step,
        // Where it is new, a program that does not know it gives it no value.
        _ if before.column(&new.name).is_none() => {
            step.restricts(constraints::column(name, &new.name), "new, without default")
        }
        _ => step,
    };
    let rewrites = new.computed.is_some()
        || new.generated.is_some()
        || new.default.as_deref().is_some_and(is_volatile);
    group.push(match filler {
        _ if rewrites => step.rewrites(name),
        // That there is no row is looked up.
        Filler::Unknown => step.scans(name),
        _ => step,
    });
    if let Filler::Value(_) = filler {
        group.push(
            Step::new(format!(
                "alter table {name} alter column {} drop default",
                quote(&new.name)
            ))
            .stops(name),
        );
    }
    if by_serial {
        numbering::clear(name, &serial, new, group);
        numbering::build(name, before, &serial, new, group);
    }
    if let Some(sequence) = render::sequence(name, new) {
        group.push(rls::revoke_sequence(&sequence, table, platform));
    }
}

fn alter(
    name: &QualifiedName,
    (before, after): (&Table, &Table),
    old: &Column,
    new: &Column,
    settled: bool,
    group: &mut Group,
) {
    let ident = quote(&new.name);
    let action = |action: String| {
        Step::new(format!("alter table {name} alter column {ident} {action}")).stops(name)
    };
    let object = || constraints::column(name, &new.name);
    let retyped = old.ty != new.ty || old.collation != new.collation;
    let carried = old.default.as_ref().filter(|it| carries(it, old, new));
    let default_changes = carried != new.default.as_ref();
    if old.default.is_some() && (carried.is_none() || new.default.is_none()) {
        group.push(action("drop default".into()));
    }
    if retyped {
        let step = change_type(name, (before, after), old, new);
        group.push(match indexes::made_anew(before, after, old, new) {
            true => step.scans(name),
            false => step,
        });
    }
    if retyped
        && old.generated == new.generated
        && let Some(sequence) = render::serial_sequence(name, new)
    {
        group.push(format!("alter sequence {sequence} as {}", new.ty));
    }
    if let Some(default) = &new.default
        && default_changes
    {
        group.push(action(format!("set default {default}")));
    }
    match (old.nullable, new.nullable) {
        (true, false) if !settled => {
            let step = action("set not null".into()).scans(name);
            group.push(step.restricts(object(), constraints::NOT_NULL));
        }
        (false, true) => {
            let fate = constraints::gone("may be null");
            group.push(action("drop not null".into()).removes(object(), &fate));
        }
        _ => {}
    }
}

/// Whether PostgreSQL takes a default along to the column's new type so that it reads like the same text written for
/// that type: a literal in quotes was read as a value of the old one.
fn carries(default: &str, old: &Column, new: &Column) -> bool {
    let is_number = |ty: &Type| {
        let names = ["int2", "int4", "int8", "float4", "float8", "numeric"];
        names.contains(&&*ty.internal_name())
    };
    let counts = || {
        default
            .bytes()
            .all(|it| it.is_ascii_digit() || b"-.".contains(&it))
    };
    let name = new.ty.internal_name();
    // An interval in quotes is rounded when it is read.
    old.ty == new.ty
        || (old.ty.internal_name() == name && name != "interval")
        || (is_number(&old.ty) && is_number(&new.ty) && counts())
}

fn change_type(
    name: &QualifiedName,
    (before, after): (&Table, &Table),
    old: &Column,
    new: &Column,
) -> Step {
    let ident = quote(&new.name);
    let cast = cast(&old.ty, &new.ty);
    let loses = cast.is_none_or(|cast| cast.loses);
    let rewrites = cast.is_none_or(|cast| cast.rewrites);
    let using = match (&old.ty, &new.ty) {
        // Without it the session's time zone would decide.
        (Type::Timestamp(_), Type::Timestamptz(_)) | (Type::Timestamptz(_), Type::Timestamp(_)) => {
            format!(" using {ident} at time zone 'UTC'")
        }
        (Type::Timestamptz(_), Type::Date) => {
            format!(" using ({ident} at time zone 'UTC')::date")
        }
        (Type::Date, Type::Timestamptz(_)) => {
            format!(" using {ident}::timestamp at time zone 'UTC'")
        }
        _ if loses && rewrites => format!(" using {ident}::{}", new.ty),
        _ => String::new(),
    };
    let collation = match (&old.collation, &new.collation) {
        (_, Some(collation)) => format!(" collate {collation}"),
        _ => String::new(),
    };
    let step = Step::new(format!(
        "alter table {name} alter column {ident} type {}{collation}{using}",
        new.ty
    ))
    .stops(name);
    let step = if rewrites { step.rewrites(name) } else { step };
    let mut fate = format!("changed from `{}` to `{}`", old.ty, new.ty);
    // Values that differ may come out alike.
    let merges = loses || (new.ty.is_citext() && !old.ty.is_citext());
    let in_key = [before, after]
        .iter()
        .all(|table| tells_rows_apart(table, &new.name));
    if merges && in_key {
        fate.push_str("; fails where two values of a key become equal");
    }
    if loses {
        step.with(Hazard::LosesData(subject(name, &new.name, fate)))
    } else if merges && in_key {
        step.with(Hazard::Removes(subject(name, &new.name, fate)))
    } else {
        step
    }
}
