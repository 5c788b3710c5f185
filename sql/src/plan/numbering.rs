//! A column that starts or stops being numbered by the server.

use crate::ident::{quote, quote_literal};
use crate::schema::{Column, Generated, QualifiedName, Table};

use super::render::{identity, serial_sequence};
use super::statements::{Group, Step};

/// Takes the old numbering away, with the sequence that it owns.
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
    if identity(old.generated).is_some() {
        group.push(alter("drop identity"));
    }
    if let Some(sequence) = serial_sequence(name, old) {
        group.push(alter("drop default"));
        group.push(format!("drop sequence {sequence}"));
    }
}

/// Numbers the column from the highest value that it holds.
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
    let ident = quote(&new.name);
    let alter = |action: &str| {
        Step::new(format!("alter table {name} alter column {ident} {action}")).stops(name)
    };
    match new.generated {
        None => return,
        Some(Generated::Serial) => {
            let Some(sequence) = serial_sequence(name, new) else {
                return;
            };
            group.push(format!(
                "create sequence {sequence} as {} owned by {name}.{ident}",
                new.ty
            ));
            group.push(alter(&format!(
                "set default nextval({}::regclass)",
                quote_literal(&sequence.to_string())
            )));
        }
        Some(Generated::IdentityAlways | Generated::IdentityByDefault) => {
            let kind = identity(new.generated).unwrap_or_default();
            if identity(old.generated).is_some() {
                // The sequence stays, and goes on where it was.
                group.push(alter(&format!("set generated {kind}")));
                return;
            }
            group.push(alter(&format!("add generated {kind} as identity")));
        }
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
