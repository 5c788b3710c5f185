//! Tables for people.

use tabellion::migrate::{Entry, Event, Migration, Status};

/// Rows as columns of equal width, two blanks apart; the first row is the head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// The migrations and their state.
pub(crate) fn status(status: &Status) -> String {
    let head = ["version", "name", "state", "applied (UTC)", "by", "took"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (migration, entry) in &status.migrations {
        let mut row = vec![migration.version.clone(), migration.name.clone()];
        match entry {
            None if status.begun.iter().any(|b| b.version == migration.version) => {
                row.push("begun".into());
            }
            None => row.push("pending".into()),
            Some(entry) => row.extend([
                "applied".into(),
                entry.at.clone(),
                by(entry),
                milliseconds(entry),
            ]),
        }
        rows.push(row);
    }
    let pending = status.pending();
    let total = status.migrations.len();
    let mut text = if total == 0 {
        String::new()
    } else {
        table(&rows)
    };
    text.push_str(&format!(
        "{}: {} applied, {pending} pending\n",
        count(total, "migration"),
        total - pending
    ));
    for entry in &status.begun {
        text.push_str(&unfinished(status, entry));
    }
    text
}

/// What was begun outside a transaction and has not finished.
fn unfinished(status: &Status, begun: &Entry) -> String {
    let is_applied = |(migration, entry): &(_, Option<Entry>)| {
        let migration: &Migration = migration;
        migration.version == begun.version && entry.is_some()
    };
    let (what, remedy) = if status.migrations.iter().any(is_applied) {
        ("the rollback of migration", "rollback")
    } else {
        ("migration", "apply")
    };
    format!(
        "{what} `{}_{}` was begun at {} UTC and has not finished, so its index may be there by half; unless it \
         runs still, run `cargo tabellion {remedy}` to finish it\n",
        begun.version, begun.name, begun.at
    )
}

/// One line for a migration that was applied or undone just now.
pub(crate) fn done(entry: &Entry) -> String {
    let verb = match entry.event {
        Event::RolledBack => "rolled back",
        Event::Failed => "dropped the half-built index of",
        _ => "applied",
    };
    format!(
        "{verb} {} {} in {}",
        entry.version,
        entry.name,
        milliseconds(entry)
    )
}

/// `1 migration`, `2 migrations`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn by(entry: &Entry) -> String {
    match &entry.on_behalf_of {
        Some(actor) => format!("{} for {actor}", entry.actor),
        None => entry.actor.clone(),
    }
}

fn milliseconds(entry: &Entry) -> String {
    format!("{} ms", entry.duration_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let cells = |row: [&str; 3]| row.map(str::to_owned).to_vec();
        let text = table(&[cells(["a", "long head", "c"]), cells(["wide", "ü", ""])]);
        assert_eq!(text, "a     long head  c\nwide  ü\n");
    }
}
