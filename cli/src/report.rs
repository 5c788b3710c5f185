//! Tables for people.

use tabellion::migrate::{
    Entry, Event, Migration, Rehearsal, Rehearsed, RlsTested, Status, TakenLock, Target,
    Verification,
};

use crate::json::{counted, state};

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
pub(crate) fn status(status: &Status, unsealed: &[String]) -> String {
    let mut head = vec!["version", "name", "state", "applied (UTC)", "by", "took"];
    let has_approvals = !status.approvals.is_empty();
    if has_approvals {
        head.push("approved by");
    }
    let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    for (migration, entry) in &status.migrations {
        let mut row = vec![migration.version.clone(), migration.name.clone()];
        row.push(state(status, migration, entry.as_ref()).to_owned());
        row.extend(match entry {
            Some(entry) => [entry.at.clone(), by(entry), milliseconds(entry)],
            None => Default::default(),
        });
        if has_approvals {
            row.push(approved_by(status, migration));
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
    text.push_str(&remarks(status, unsealed));
    text
}

/// What would run, with what it does.
pub(crate) fn plan(status: &Status, target: &Target, sql: bool, unsealed: &[String]) -> String {
    let mut text = String::new();
    let pending = status
        .migrations
        .iter()
        .filter(|(_, entry)| entry.is_none());
    for (migration, _) in pending {
        let mut about = count(counted(&migration.up.sql), "statement");
        if migration.up.header.no_transaction {
            about.push_str(", outside a transaction");
        }
        if state(status, migration, None) == "begun" {
            about.push_str(", begun");
        }
        match approved_by(status, migration) {
            name if !name.is_empty() => about.push_str(&format!(", approved by {name}")),
            _ if target.approval => about.push_str(", not approved"),
            _ => {}
        }
        text.push_str(&format!(
            "{} {}: {about}\n",
            migration.version, migration.name
        ));
        for hazard in &migration.up.header.hazards {
            text.push_str(&format!("    {hazard}\n"));
        }
        if sql {
            text.push_str(&format!("\n{}\n", migration.up.sql));
        }
    }
    text.push_str(&format!(
        "{} pending\n",
        count(status.pending(), "migration")
    ));
    text.push_str(&remarks(status, unsealed));
    text
}

/// What else there is to say of a ledger.
fn remarks(status: &Status, unsealed: &[String]) -> String {
    let mut text = String::new();
    let is_applied = |begun: &Entry| {
        let applied = status
            .migrations
            .iter()
            .filter(|(_, entry)| entry.is_some());
        applied
            .map(|(one, _)| &one.version)
            .any(|version| *version == begun.version)
    };
    // Those of rollbacks are among the problems.
    for entry in status.begun.iter().filter(|entry| !is_applied(entry)) {
        text.push_str(&unfinished(entry));
    }
    for (version, name) in &status.elsewhere {
        let is_ours = |(migration, _): &(Migration, _)| migration.version == *version;
        let remedy = if status.migrations.iter().any(is_ours) {
            "run `cargo tabellion adopt --from-supabase`"
        } else {
            "no lock holds it, so Tabellion leaves it alone"
        };
        text.push_str(&format!(
            "migration `{version}_{name}` was applied by the Supabase CLI and is not in the ledger; {remedy}\n"
        ));
    }
    for name in unsealed {
        text.push_str(&format!(
            "`hand/{name}.sql` is not sealed, so nothing applies it; run `cargo tabellion seal {name}`, or remove it\n"
        ));
    }
    if let Some(guard) = &status.guard {
        let guard = match &guard.target {
            Some(name) => format!("target `{name}`"),
            None => "a target without a name".to_owned(),
        };
        text.push_str(&format!(
            "{guard} guards this database: a target that asks for no approvals changes nothing here\n"
        ));
    }
    for problem in &status.problems {
        text.push_str(&format!("{problem}\n"));
    }
    text
}

/// What `verify` has to say.
pub(crate) fn verification(found: &Verification) -> String {
    let mut text = if found.is_clean() {
        let objects = count(found.compared, "object");
        format!("the database holds what was sealed: {objects} compared, no difference\n")
    } else {
        found.to_string()
    };
    for note in &found.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    text
}

/// What came of a rehearsal: a table of its migrations, and a line for each thing that it found.
pub(crate) fn rehearsal(found: &Rehearsal) -> String {
    let mut text = format!("{}\n", found.place);
    let mut say = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    found.prepared.iter().for_each(|line| say(line));
    let head = [
        "version", "name", "up", "down", "up again", "verdict", "locks",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for one in &found.migrations {
        let mut row = vec![one.version.clone(), one.name.clone()];
        row.extend([one.up, one.down, one.again].map(|time| match time {
            Some(time) => format!("{} ms", time.as_millis()),
            None => "did not run".into(),
        }));
        row.push(if one.is_exact() { "exact" } else { "not exact" }.into());
        row.push(locks(one));
        rows.push(row);
    }
    if rows.len() > 1 {
        say(table(&rows).trim_end());
    }
    for one in &found.migrations {
        let lines = one.failure.iter().chain(&one.differences).chain(&one.notes);
        for line in lines {
            say(&format!("{} {}: {line}", one.version, one.name));
        }
    }
    found.rows.iter().for_each(|count| say(&count.to_string()));
    found.leftovers.iter().for_each(|line| say(line));
    match &found.verification {
        Some(verified) => text.push_str(&verification(verified)),
        None => say("a file failed, so the end was not compared with what was sealed"),
    }
    text
}

/// What came of the tests of row-level security.
pub(crate) fn rls_tested(found: &RlsTested) -> String {
    let mut lines = vec![found.place.clone()];
    lines.extend(found.prepared.iter().cloned());
    lines.push(format!("tables made by {}", found.made_by));
    lines.push(match &found.failure {
        None => format!("{} passed", count(found.passed, "proof")),
        Some(failure) => failure.clone(),
    });
    if let Some(score) = found.score() {
        let head = ["protection", "taken away", "noticed"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for mutant in &found.mutants {
            if rows.iter().any(|row| row[0] == mutant.kind) {
                continue;
            }
            let alike = || found.mutants.iter().filter(|it| it.kind == mutant.kind);
            let noticed = alike().filter(|it| it.noticed.is_some()).count();
            let kind = mutant.kind.clone();
            rows.push(vec![kind, alike().count().to_string(), noticed.to_string()]);
        }
        lines.push(table(&rows).trim_end().to_owned());
        let survivors = found.survivors();
        lines.extend(survivors.map(|it| format!("not noticed: without {} {}", it.kind, it.what)));
        lines.push(format!("score: {score} %"));
    }
    lines.extend(found.leftovers.iter().cloned());
    lines.join("\n") + "\n"
}

/// The locks of a migration on what was there before, up and then down.
fn locks(one: &Rehearsed) -> String {
    let listed = |locks: &[TakenLock]| {
        let locks: Vec<String> = locks.iter().map(ToString::to_string).collect();
        locks.join(", ")
    };
    let (up, down) = (listed(&one.up_locks), listed(&one.down_locks));
    let mut parts = Vec::new();
    match (up.as_str(), down.as_str()) {
        ("", "") => {}
        (up, down) if up == down => parts.push(up.to_owned()),
        (up, "") => parts.push(format!("up: {up}")),
        ("", down) => parts.push(format!("down: {down}")),
        (up, down) => parts.push(format!("up: {up}; down: {down}")),
    }
    if one.sampled {
        parts.push("some may be missing".into());
    }
    parts.join("; ")
}

/// One line for a row that a person has entered.
pub(crate) fn entered(entry: &Entry) -> String {
    let what = match entry.event {
        Event::Approved => "approved",
        Event::Adopted => "adopted",
        Event::RepairedApplied => "entered as applied",
        Event::RepairedRolledBack => "entered as not applied",
        Event::Claimed => "claimed the database",
        other => other.as_str(),
    };
    let on = match &entry.target {
        Some(target) => format!(" on {target}"),
        None => String::new(),
    };
    let of = match entry.event {
        Event::Claimed => String::new(),
        _ => format!(" {} {}", entry.version, entry.name),
    };
    format!("{what}{of}{on} by {}\n", by(entry))
}

fn approved_by(status: &Status, migration: &Migration) -> String {
    match status.approvals.get(&migration.version) {
        Some(entry) => entry
            .on_behalf_of
            .clone()
            .unwrap_or_else(|| entry.actor.clone()),
        None => String::new(),
    }
}

/// A migration that was begun outside a transaction and has not finished.
fn unfinished(begun: &Entry) -> String {
    format!(
        "migration `{}_{}` was begun at {} UTC and has not finished, so its index may be there by half; unless it \
         runs still, run `cargo tabellion apply` to finish it\n",
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
