//! Columns of a table that stays: dropped, added, altered.

use crate::ident::quote;
use crate::schema::{Column, Platform, QualifiedName, Table, Type, cast};

use super::change::Columns;
use super::hazard::{Hazard, Subject};
use super::statements::{Group, Step};
use super::{constraints, numbering, render, rls, touch};

fn subject(name: &QualifiedName, column: &str, fate: impl Into<String>) -> Subject {
    Subject::new(format!("column {name}.{}", quote(column)), fate)
}

/// Drops what `after` lacks or has anew, and the triggers that are not to be there.
pub(super) fn clear(name: &QualifiedName, before: &Table, after: &Table, group: &mut Group) {
    let columns = Columns::of(before, after);
    for old in &before.columns {
        let kept = after
            .column(&old.name)
            .filter(|_| !columns.gone.contains(&old.name));
        if old.updated_at && !kept.is_some_and(|new| new.updated_at) {
            group.push(touch::remove(name, old));
        }
        if kept.is_some() {
            continue;
        }
        let step = Step::new(format!(
            "alter table {name} drop column {}",
            quote(&old.name)
        ));
        let step = step.stops(name);
        group.push(match after.column(&old.name) {
            // What is computed can be computed again.
            Some(_) if old.computed.is_some() => step,
            Some(_) => step.with(Hazard::LosesData(subject(
                name,
                &old.name,
                "replaced by a generated one",
            ))),
            None if old.computed.is_some() => {
                step.removes(format!("column {name}.{}", quote(&old.name)), "dropped")
            }
            None => step.with(Hazard::LosesData(subject(name, &old.name, fate(old)))),
        });
    }
}

/// What the way back can do about a column that is dropped.
fn fate(old: &Column) -> String {
    match filler(old, None) {
        Filler::Not => "dropped".into(),
        Filler::Value(value) => format!("dropped; the rollback gives every row {value}"),
        Filler::Unknown => "dropped; the rollback needs the table to be empty".into(),
    }
}

/// Adds what `before` lacks, alters what differs.
pub(super) fn build(
    name: &QualifiedName,
    before: &Table,
    after: &Table,
    platform: Platform,
    group: &mut Group,
) {
    let columns = Columns::of(before, after);
    for new in &after.columns {
        let old = before
            .column(&new.name)
            .filter(|_| !columns.gone.contains(&new.name));
        match old {
            None => add(name, after, new, platform, group),
            Some(old) => {
                numbering::clear(name, old, new, group);
                let settled = constraints::is_settled(before, after, &new.name);
                alter(name, old, new, settled, group);
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
    }
}

fn add(name: &QualifiedName, table: &Table, new: &Column, platform: Platform, group: &mut Group) {
    let filler = filler(new, Some(table));
    let mut definition = render::column(new);
    if let Filler::Value(value) = &filler {
        definition.push_str(&format!(" default {value}"));
    }
    let step = Step::new(format!("alter table {name} add column {definition}")).stops(name);
    let rewrites = new.computed.is_some()
        || new.generated.is_some()
        || new.default.as_deref().is_some_and(is_volatile);
    group.push(if rewrites { step.rewrites(name) } else { step });
    if let Filler::Value(_) = filler {
        group.push(
            Step::new(format!(
                "alter table {name} alter column {} drop default",
                quote(&new.name)
            ))
            .stops(name),
        );
    }
    if let Some(sequence) = render::sequence(name, new) {
        group.push(rls::revoke_sequence(&sequence, table, platform));
    }
}

/// What the rows that exist get in a column that must not be null and says no default. A draft never
/// adds one, but a rollback brings back what was dropped.
enum Filler {
    /// The column takes care of itself.
    Not,
    /// This value, as SQL.
    Value(String),
    /// There is none that is known to fit.
    Unknown,
}

fn filler(column: &Column, table: Option<&Table>) -> Filler {
    let made = column.default.is_some() || column.generated.is_some() || column.computed.is_some();
    if column.nullable || made {
        return Filler::Not;
    }
    // An enumeration's CHECK begins with the column and lists its texts.
    let listed = table
        .into_iter()
        .flat_map(|table| table.checks.values())
        .find_map(|check| {
            let rest = check.expr.sql.strip_prefix(&*quote(&column.name))?;
            let list = rest.strip_prefix(" in (")?;
            list.strip_suffix(')')?
                .split(", ")
                .next()
                .map(str::to_owned)
        });
    let zero = match &column.ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) => "''",
        Type::Bool => "false",
        Type::Int2 | Type::Int4 | Type::Int8 | Type::Float4 | Type::Float8 | Type::Numeric(_) => {
            "0"
        }
        Type::Uuid => "'00000000-0000-0000-0000-000000000000'",
        Type::Jsonb => "'null'",
        Type::Bytea => "''",
        Type::Date | Type::Timestamp(_) | Type::Timestamptz(_) => "'epoch'",
        Type::Time(_) => "'00:00'",
        Type::Interval => "'0'",
        Type::Array(_) => "'{}'",
        Type::Named(_) => "",
    };
    match (listed, zero) {
        (Some(text), _) => Filler::Value(text),
        (None, "") => Filler::Unknown,
        (None, zero) => Filler::Value(zero.to_owned()),
    }
}

/// Whether a default must be computed for each row, so that adding it writes every row. What is not
/// known to be the same for all rows of a statement counts as volatile.
fn is_volatile(default: &str) -> bool {
    const STABLE: [&str; 4] = ["now()", "(now())", "current_timestamp", "'[]'"];
    let outside_quotes = default
        .split('\'')
        .step_by(2)
        .any(|part| part.contains('('));
    outside_quotes && !STABLE.contains(&default.trim())
}

fn alter(name: &QualifiedName, old: &Column, new: &Column, settled: bool, group: &mut Group) {
    let ident = quote(&new.name);
    let action = |action: String| {
        Step::new(format!("alter table {name} alter column {ident} {action}")).stops(name)
    };
    let object = || format!("column {name}.{ident}");
    let retyped = old.ty != new.ty || old.collation != new.collation;
    let default_changes = old.default != new.default || (retyped && new.default.is_some());
    if old.computed.is_some() && new.computed.is_none() {
        group.push(action("drop expression".into()));
    }
    if old.default.is_some() && default_changes {
        group.push(action("drop default".into()));
    }
    if retyped {
        group.push(change_type(name, old, new));
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
        (true, false) if !settled => group.push(action("set not null".into()).scans(name)),
        (false, true) => {
            group.push(action("drop not null".into()).removes(object(), "may be null"));
        }
        _ => {}
    }
}

fn change_type(name: &QualifiedName, old: &Column, new: &Column) -> Step {
    let ident = quote(&new.name);
    let cast = cast(&old.ty, &new.ty);
    let loses = cast.is_none_or(|cast| cast.loses);
    let rewrites = cast.is_none_or(|cast| cast.rewrites);
    let using = match (&old.ty, &new.ty) {
        // Without it the session's time zone would decide.
        (Type::Timestamp(_), Type::Timestamptz(_)) | (Type::Timestamptz(_), Type::Timestamp(_)) => {
            format!(" using {ident} at time zone 'UTC'")
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
    if loses {
        let fate = format!("changed from `{}` to `{}`", old.ty, new.ty);
        step.with(Hazard::LosesData(subject(name, &new.name, fate)))
    } else {
        step
    }
}
