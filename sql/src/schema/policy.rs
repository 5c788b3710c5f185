//! Row-level security of one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Expr;

/// The answer on row-level security that every table must give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rls {
    /// Enabled and forced; with no policies, nobody but a bypassing role reads or writes a row.
    Enabled(BTreeMap<String, Policy>),
    /// Not enabled, and the reason why.
    Disabled(String),
}

impl Rls {
    /// The policies by name; none where row-level security is off.
    pub fn policies(&self) -> &BTreeMap<String, Policy> {
        static NONE: BTreeMap<String, Policy> = BTreeMap::new();
        match self {
            Rls::Enabled(policies) => policies,
            Rls::Disabled(_) => &NONE,
        }
    }

    /// Whether row-level security is enabled (and so forced).
    pub fn is_enabled(&self) -> bool {
        matches!(self, Rls::Enabled(_))
    }
}

/// A policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The command it is about; `None` is `for all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Command>,
    /// It lets nobody in, and takes away from what the permissive policies allow.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restrictive: bool,
    /// The roles it applies to; never empty, since no roles would mean everyone.
    pub roles: BTreeSet<String>,
    /// Which existing rows may be seen or touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<Expr>,
    /// Which new rows may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Expr>,
}

impl Policy {
    /// The commands that the policy is about.
    pub fn commands(&self) -> &[Command] {
        match &self.command {
            Some(command) => std::slice::from_ref(command),
            None => &Command::ALL,
        }
    }
}

/// A command that a policy allows and a grant permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

impl Command {
    /// All four, in the order in which they are written.
    pub const ALL: [Command; 4] = [
        Command::Select,
        Command::Insert,
        Command::Update,
        Command::Delete,
    ];

    /// The keyword in lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Command::Select => "select",
            Command::Insert => "insert",
            Command::Update => "update",
            Command::Delete => "delete",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
