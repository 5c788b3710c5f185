//! The steps of a plan, grouped as a careful person would group them.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::QualifiedName;

use super::hazard::{Hazard, LockMode, Subject};

/// Steps in order, in groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The groups in the order in which they run.
    pub groups: Vec<Group>,
    /// The tables of what is renamed or moved while something else still has its new name. PostgreSQL refuses
    /// such a plan, and nobody is to get it.
    pub(super) blocked: BTreeSet<QualifiedName>,
}

/// Steps about one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is about: a struct's module path, or a word such as `roles`.
    pub title: String,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One statement, and what it does beside what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The statement, without its final semicolon.
    pub sql: String,
    /// What a reviewer must know about it.
    pub hazards: Vec<Hazard>,
}

impl Step {
    /// A statement, given without its final semicolon.
    pub fn new(sql: impl Into<String>) -> Self {
        Step {
            sql: sql.into(),
            hazards: Vec::new(),
        }
    }

    /// The statement takes a lock on the table. Of two on one table, as where a foreign key references its own,
    /// the stronger counts.
    #[must_use]
    pub(super) fn locks(mut self, mode: LockMode, table: &QualifiedName) -> Self {
        for hazard in &mut self.hazards {
            if let Hazard::Locks(earlier, locked) = hazard
                && locked == table
            {
                *earlier = mode.max(*earlier);
                return self;
            }
        }
        self.with(Hazard::Locks(mode, table.clone()))
    }

    /// The statement takes the strongest lock on the table.
    #[must_use]
    pub(super) fn stops(self, table: &QualifiedName) -> Self {
        self.locks(LockMode::AccessExclusive, table)
    }

    /// The statement reads every row of the table.
    #[must_use]
    pub(super) fn scans(self, table: &QualifiedName) -> Self {
        self.with(Hazard::Scans(table.clone()))
    }

    /// The statement writes every row of the table anew.
    #[must_use]
    pub(super) fn rewrites(self, table: &QualifiedName) -> Self {
        self.scans(table).with(Hazard::Rewrites(table.clone()))
    }

    /// The statement takes away an object without data of its own.
    #[must_use]
    pub(super) fn removes(self, object: impl Into<String>, fate: &str) -> Self {
        self.with(Hazard::Removes(Subject::new(object, fate)))
    }

    /// The statement makes a rule for a table that exists.
    #[must_use]
    pub(super) fn restricts(self, object: impl Into<String>, fate: &str) -> Self {
        self.with(Hazard::Restricts(Subject::new(object, fate)))
    }

    /// One more hazard.
    #[must_use]
    pub(super) fn with(mut self, hazard: Hazard) -> Self {
        self.hazards.push(hazard);
        self
    }
}

impl From<String> for Step {
    fn from(sql: String) -> Self {
        Step::new(sql)
    }
}

impl Group {
    /// No steps yet.
    pub(super) fn new(title: &str) -> Self {
        Group {
            title: title.to_owned(),
            steps: Vec::new(),
        }
    }

    /// Adds a step; a plain text is one that nobody needs to be warned of.
    pub fn push(&mut self, step: impl Into<Step>) {
        self.steps.push(step.into());
    }
}

impl Plan {
    /// The group of that title at the end of the plan, opened where the last one has another title.
    pub fn group(&mut self, title: &str) -> &mut Group {
        if self.groups.last().is_none_or(|last| last.title != title) {
            self.groups.push(Group::new(title));
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    /// Takes out groups without steps, and joins those of one title that they kept apart.
    pub(super) fn tidy(&mut self) {
        for group in std::mem::take(&mut self.groups) {
            if !group.steps.is_empty() {
                self.group(&group.title).steps.extend(group.steps);
            }
        }
    }

    /// Adds another plan's steps at the end.
    pub(super) fn append(&mut self, other: Plan) {
        for group in other.groups {
            self.group(&group.title).steps.extend(group.steps);
        }
        self.blocked.extend(other.blocked);
    }

    /// The steps in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.groups.iter().flat_map(|group| &group.steps)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    /// Forgets locks, scans and rewrites of tables that are not there yet: nobody waits for those.
    pub(super) fn keep_hazards_on(&mut self, existing: &BTreeSet<QualifiedName>) {
        for step in self.groups.iter_mut().flat_map(|group| &mut group.steps) {
            step.hazards.retain(|hazard| match hazard {
                Hazard::Locks(_, table) | Hazard::Scans(table) | Hazard::Rewrites(table) => {
                    existing.contains(table)
                }
                _ => true,
            });
        }
    }

    /// Every hazard once, in order; of the locks on one table, the strongest.
    pub fn hazards(&self) -> Vec<Hazard> {
        let mut locks: BTreeMap<&QualifiedName, LockMode> = BTreeMap::new();
        let mut others: BTreeSet<&Hazard> = BTreeSet::new();
        for hazard in self.steps().flat_map(|step| &step.hazards) {
            match hazard {
                Hazard::Locks(mode, table) => {
                    let strongest = locks.entry(table).or_insert(*mode);
                    *strongest = (*strongest).max(*mode);
                }
                other => {
                    others.insert(other);
                }
            }
        }
        let locks = locks
            .into_iter()
            .map(|(table, mode)| Hazard::Locks(mode, table.clone()));
        locks.chain(others.into_iter().cloned()).collect()
    }

    /// The SQL text: a comment per group, a blank line between statements of several lines, and above
    /// a step that does more than take a lock, what that is.
    pub fn body(&self) -> String {
        let mut text = String::new();
        for group in self.groups.iter().filter(|group| !group.steps.is_empty()) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&format!("-- {}\n", one_line(&group.title)));
            let mut after_long = false;
            for (index, step) in group.steps.iter().enumerate() {
                let warning = warning(step);
                let long = step.sql.contains('\n') || warning.is_some();
                if index > 0 && (long || after_long) {
                    text.push('\n');
                }
                if let Some(warning) = warning {
                    text.push_str(&format!("-- {warning}\n"));
                }
                text.push_str(&step.sql);
                text.push_str(";\n");
                after_long = long;
            }
        }
        text
    }
}

/// What stands above a step: nothing where it only locks.
fn warning(step: &Step) -> Option<String> {
    let matters = |hazard: &Hazard| !matches!(hazard, Hazard::Locks(..));
    step.hazards.iter().any(matters).then(|| {
        let phrases: Vec<String> = step
            .hazards
            .iter()
            .map(|h| one_line(&h.to_string()))
            .collect();
        phrases.join("; ")
    })
}

/// A line break in a name would end the comment.
fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).collect::<Vec<_>>().join(" ")
}
