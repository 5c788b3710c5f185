//! A column that starts or stops being numbered by the server.

use crate::ident::{object_name, quote, quote_literal};
use crate::schema::{Column, QualifiedName, Table};

use super::render::{identity, sequence};
use super::statements::{Group, Step};

/// The name that a sequence has while another one takes its place.
fn parked(name: &QualifiedName, column: &str) -> QualifiedName {
    QualifiedName::new(&name.schema, object_name(&name.name, column, "old_seq"))
}

/// Has one sequence go on where another one is. The highest value that the column holds would not do:
/// a number that was given out may be gone from the table, and known elsewhere.
fn goes_on(sequence: &QualifiedName, other: &QualifiedName) -> Step {
    Step::new(format!(
        "select pg_catalog.setval({}::regclass, last_value, is_called) from {other}",
        quote_literal(&sequence.to_string())
    ))
}

/// Takes the old numbering away; where another one follows, what it has come to is kept for that.
pub(super) fn clear(name: &QualifiedName, old: &Column, new: &Column, group: &mut Group) {
    if old.generated == new.generated {
        return;
    }
    if identity(old.generated).is_some() && identity(new.generated).is_some() {
        return;
    }
    let ident = quote(&old.name);
    let alter = |action: &str| {
        Step::new(format!("alter table {name} alter column {ident} {action}")).stops(name)
    };
    let Some(sequence) = sequence(name, old) else {
        return;
    };
    let parked = parked(name, &old.name);
    if identity(old.generated).is_some() {
        // Its sequence goes with it.
        if new.generated.is_some() {
            group.push(format!("create sequence {parked} as {}", new.ty));
            group.push(goes_on(&parked, &sequence));
        }
        group.push(alter("drop identity"));
        return;
    }
    group.push(alter("drop default"));
    group.push(match new.generated {
        Some(_) => format!(
            "alter sequence {sequence} rename to {}",
            quote(&parked.name)
        ),
        None => format!("drop sequence {sequence}"),
    });
}

/// Numbers the column: from where the old numbering was, or else from the highest value that it holds.
pub(super) fn build(
    name: &QualifiedName,
    before: &Table,
    old: &Column,
    new: &Column,
    group: &mut Group,
) {
    if old.generated == new.generated {
        return;
    }
    let Some(sequence) = sequence(name, new) else {
        return;
    };
    let ident = quote(&new.name);
    let alter = |action: &str| {
        Step::new(format!("alter table {name} alter column {ident} {action}")).stops(name)
    };
    let parked = parked(name, &new.name);
    let was_numbered = old.generated.is_some();
    match identity(new.generated) {
        None => {
            if was_numbered {
                let proper = quote(&sequence.name).into_owned();
                group.push(format!("alter sequence {parked} rename to {proper}"));
                group.push(format!("alter sequence {sequence} owned by {name}.{ident}"));
            } else {
                group.push(format!(
                    "create sequence {sequence} as {} owned by {name}.{ident}",
                    new.ty
                ));
            }
            group.push(alter(&format!(
                "set default nextval({}::regclass)",
                quote_literal(&sequence.to_string())
            )));
        }
        // The sequence stays, and goes on where it was.
        Some(kind) if identity(old.generated).is_some() => {
            group.push(alter(&format!("set generated {kind}")));
        }
        Some(kind) => {
            group.push(alter(&format!("add generated {kind} as identity")));
            if was_numbered {
                group.push(goes_on(&sequence, &parked));
                group.push(format!("drop sequence {parked}"));
            }
        }
    }
    if was_numbered {
        return;
    }
    // Under FORCE an owner that cannot bypass row-level security would see no rows, and the numbers
    // would start over. Nobody else can look in between: the table is locked until the end.
    let is_forced = before.rls.is_enabled();
    if is_forced {
        group.push(format!("alter table {name} no force row level security"));
    }
    let highest = format!(
        "select pg_catalog.setval(pg_catalog.pg_get_serial_sequence({}, {})::regclass, \
         greatest(max({ident}), 0) + 1, false) from {name}",
        quote_literal(&name.to_string()),
        quote_literal(&new.name)
    );
    group.push(Step::new(highest).scans(name));
    if is_forced {
        group.push(format!("alter table {name} force row level security"));
    }
}
