//! The traps of row-level security that the whole schema shows, before anything runs.
//!
//! A rule is a file, and its code is the file's name with hyphens. Its page says what happens, why, what was
//! seen, how to mend it and how to allow it; `cargo tabellion explain CODE` prints it, and every message
//! ends with the code in brackets. The lints of migrations written by hand have pages of the same kind.
//!
//! What becomes of each trap that is known:
//!
//! | trap | answer |
//! |---|---|
//! | an index whose operator is not leakproof | rule `leakproof-index` |
//! | a policy on a column that no index leads with | rule `policy-column-index`; for the other table of a membership an error of the build |
//! | a native enum | generated: `TextEnum` is text with a CHECK; rule `native-enum` for a type of one's own |
//! | a setting left empty, a value of another type | generated: the form of the predicate |
//! | a subselect or a function for each row | generated: once a statement |
//! | row-level security forgotten | error `missing-rls` of the derive: no table without an answer |
//! | the owner bypasses it | generated: ENABLE and FORCE together |
//! | a backfill under FORCE changes no row | documented: it needs BYPASSRLS |
//! | no policy for a command | generated: no grant, and no helper compiles |
//! | UPDATE without WITH CHECK | an error of the derive: both are written |
//! | UPDATE that reaches every row | rule `update-using-true` |
//! | RETURNING, WHERE, ON CONFLICT, FOR UPDATE need further policies | generated: a helper compiles where they are there |
//! | a policy without TO | generated: it names its role |
//! | default privileges, TRUNCATE among them | generated: all revoked, then exact grants |
//! | a second permissive policy | rule `second-permissive` |
//! | a key reveals another tenant's row | rule `cross-tenant-key` |
//! | a foreign key leads to another tenant's row | rule `cross-tenant-reference` |
//! | a view reads as its owner | lint `view-invoker`; `cargo tabellion verify` finds one that is there |
//! | a materialized view has no policies | lint `unnamed-access` asks about its grants; no struct declares one |
//! | a partition is reached directly | generated: the table's policies on each, and no grant |
//! | CREATE TABLE AS and LIKE copy no policies | generated: never used; lint `owned-object` for children |
//! | COPY FROM is refused | generated: rows are inserted as arrays |
//! | a rolled-back savepoint restores a setting | generated: a scope is set once, before anything else |
//! | a policy in raw SQL that raises an error, or is read for each row | rule `raw-policy` |
//! | `set_config` in raw SQL changes the tenant | documented; every value is bound, every name quoted |
//! | a session's setting reaches the pooler's next client | generated: transaction-local alone; lint `plain-set` |
//! | a login that bypasses | generated: refused where it connects; lint `role-power` |
//! | a function without a search path | generated: set; lint `definer-search-path` |
//! | sequences, EXPLAIN ANALYZE, replication | documented |
//!
//! `#[allow_rule("code", reason = "...")]` on a struct allows a warning there. The reason stays in the source,
//! beside what it is about: in an artifact it would be a migration that changes nothing.

mod cross_tenant_key;
mod cross_tenant_reference;
mod leakproof_index;
mod missing_rls;
mod native_enum;
mod policy_column_index;
mod raw_policy;
mod said;
mod second_permissive;
mod unneeded_allowance;
mod update_using_true;

use serde::{Deserialize, Serialize};

use crate::schema::{QualifiedName, Schema, Table};
use said::Known;

/// What a rule says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code, in kebab case.
    pub code: &'static str,
    /// What a finding of it does.
    pub level: Level,
    /// One line.
    pub summary: &'static str,
    /// The page: paragraphs, each under a heading.
    pub text: &'static str,
}

/// What a finding does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It fails the build.
    Error,
    /// The build says it, unless the struct allows it with a reason.
    Warning,
    /// It keeps a migration written by hand from being sealed.
    Lint,
}

impl Level {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Lint => "lint",
        }
    }
}

/// Where in a struct to report a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// At its name.
    #[default]
    Table,
    /// At the column of that name.
    Column(String),
    /// At the index of that name.
    Index(String),
    /// At the policy of that name.
    Policy(String),
    /// At the unique or foreign key, or the exclusion constraint, of that name.
    Key(String),
}

impl From<Option<String>> for Place {
    fn from(column: Option<String>) -> Place {
        column.map_or(Place::Table, Place::Column)
    }
}

/// What a rule has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// What it does.
    pub level: Level,
    /// The table at which to report it.
    pub table: QualifiedName,
    /// Where in its struct.
    pub place: Place,
    /// The fact, then the remedy, then the code in brackets.
    pub message: String,
}

/// A rule looks at one table of a schema.
struct Rule {
    page: Page,
    check: Check,
}

/// What a rule finds in a table: places and messages.
type Check = fn(&Known, &Schema, &QualifiedName, &Table) -> Vec<(Place, String)>;

const RULES: [Rule; 10] = [
    cross_tenant_key::RULE,
    cross_tenant_reference::RULE,
    leakproof_index::RULE,
    missing_rls::RULE,
    native_enum::RULE,
    policy_column_index::RULE,
    raw_policy::RULE,
    second_permissive::RULE,
    unneeded_allowance::RULE,
    update_using_true::RULE,
];

/// Everything that the rules find in a schema, in order of tables.
pub fn check(schema: &Schema) -> Vec<Finding> {
    let (mut findings, known) = (Vec::new(), Known::default());
    for (name, table) in &schema.tables {
        for Rule { page, check } in &RULES {
            let found = check(&known, schema, name, table).into_iter();
            findings.extend(found.map(|(place, message)| Finding {
                code: page.code,
                level: page.level,
                table: name.clone(),
                place,
                message: with_code(&message, page.code),
            }));
        }
    }
    findings
}

/// A message with its rule's code behind it.
pub fn with_code(message: &str, code: &str) -> String {
    format!("{message} [{code}]")
}

/// What `missing-rls` says of a table.
pub fn no_answer(table: &str) -> String {
    with_code(&missing_rls::message(table), missing_rls::RULE.page.code)
}

/// What `update-using-true` says of a policy.
pub fn update_of_every_row(policy: &str, table: &str) -> String {
    let message = update_using_true::message(policy, table);
    with_code(&message, update_using_true::RULE.page.code)
}

/// The code of `raw-policy`, and what it says of a policy.
pub fn raw_policy(policy: &str, table: &str) -> (&'static str, String) {
    let code = raw_policy::RULE.page.code;
    (code, with_code(&raw_policy::message(policy, table), code))
}

/// The pages of all rules and lints, in order of their codes.
pub fn pages() -> Vec<Page> {
    let mut pages: Vec<Page> = RULES.iter().map(|rule| rule.page).collect();
    pages.extend(crate::lint::pages());
    pages.sort_by_key(|page| page.code);
    pages
}

/// The page of a code.
pub fn page(code: &str) -> Option<Page> {
    pages().into_iter().find(|page| page.code == code)
}

/// The code that is written most like a word; `None` where none is.
pub fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    let near = pages().into_iter().map(|page| {
        let distance = strsim::osa_distance(&word, page.code);
        (distance, page.code)
    });
    let (distance, code) = near.min()?;
    (distance <= 1 + code.len() / 3).then_some(code)
}

#[cfg(test)]
mod tests;
