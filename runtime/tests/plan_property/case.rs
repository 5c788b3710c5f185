//! One case: two schemas, and what leads from one to the other.

use proptest::prelude::*;
use tabellion_sql::plan::{Migration, Question, Settings, migrations};
use tabellion_sql::schema::{QualifiedName, Renames, Schema, TableRenames};

use crate::dice::Dice;
use crate::edits::{Editor, Origins};
use crate::generate::{self, TableSeed};
use crate::lookups;

/// What a case is made from. Proptest makes a failing one smaller by leaving numbers out.
#[derive(Debug, Clone)]
pub(crate) struct Seeds {
    pub(crate) edits: Vec<u64>,
    pub(crate) tables: Vec<TableSeed>,
    pub(crate) schema: u64,
    /// Whether an owner runs the scripts who is no superuser and cannot bypass row-level security.
    pub(crate) owner: bool,
    /// Whether the database is one of Supabase.
    pub(crate) supabase: bool,
    /// The changes that come after the others are sealed, if any do.
    pub(crate) more: Vec<u64>,
}

pub(crate) fn seeds() -> impl Strategy<Value = Seeds> {
    let number = || any::<u64>().no_shrink();
    let table = (
        number(),
        prop::collection::vec(number(), 0..5),
        prop::collection::vec(number(), 0..7),
    );
    let table = table.prop_map(|(head, columns, parts)| TableSeed {
        head,
        columns,
        parts,
    });
    let edits = prop::collection::vec(number(), 1..5);
    let tables = prop::collection::vec(table, 1..5);
    let supabase = prop::bool::weighted(0.3);
    let more = prop::option::weighted(0.3, prop::collection::vec(number(), 1..5));
    (edits, tables, number(), any::<bool>(), supabase, more).prop_map(
        |(edits, tables, schema, owner, supabase, more)| Seeds {
            edits,
            tables,
            schema,
            owner,
            supabase,
            more: more.unwrap_or_default(),
        },
    )
}

/// Two schemas, and the pairs of scripts between them.
pub(crate) struct Case {
    pub(crate) from: Schema,
    pub(crate) to: Schema,
    pub(crate) renames: Renames,
    pub(crate) origins: Origins,
    pub(crate) pairs: Vec<Migration>,
    /// The changes in words.
    pub(crate) edits: Vec<String>,
}

impl Case {
    /// `Err` where the change is one that PostgreSQL cannot make, as a question said.
    pub(crate) fn new(seeds: &Seeds) -> Result<Case, String> {
        let mut from = generate::schema(&seeds.tables, seeds.supabase, seeds.schema);
        let mut editor = Editor::new(&from);
        for edit in &seeds.edits {
            editor.change(*edit);
        }
        if Case::reads_others(seeds) {
            lookups::enter_memberships(&mut from);
            lookups::enter_memberships(&mut editor.schema);
        }
        // Only who bypasses row-level security can make what looks rows up.
        if !seeds.owner {
            lookups::enter(&mut from, seeds.schema);
            lookups::enter(
                &mut editor.schema,
                seeds.edits.iter().fold(seeds.schema, |a, b| a ^ b),
            );
        }
        Case::between(from, editor)
    }

    /// What comes after, from where this one leads.
    pub(crate) fn next(&self, seeds: &Seeds) -> Result<Case, String> {
        let mut editor = Editor::new(&self.to);
        lookups::leave(&mut editor.schema);
        for edit in &seeds.more {
            editor.change_more(*edit);
        }
        if Case::reads_others(seeds) {
            lookups::enter_memberships(&mut editor.schema);
        }
        if !seeds.owner {
            let seed = seeds.more.iter().fold(seeds.schema, |a, b| a ^ b);
            lookups::enter(&mut editor.schema, seed);
        }
        Case::between(self.to.clone(), editor)
    }

    /// Whether tables have policies that read others, besides those at random.
    fn reads_others(seeds: &Seeds) -> bool {
        Dice::new(!seeds.schema).one_in(4)
    }

    fn between(from: Schema, editor: Editor) -> Result<Case, String> {
        for (name, schema) in [("first", &from), ("second", &editor.schema)] {
            let findings = tabellion_sql::verify::verify(schema);
            if !findings.is_empty() {
                return Err(format!("the {name} schema is not valid: {findings:?}"));
            }
        }
        let mut renames = editor.renames();
        let settings = Settings::default();
        // Each answer settles one question at least.
        for _ in 0..50 {
            match migrations(&from, &editor.schema, &renames, &settings) {
                Ok(pairs) => {
                    return Ok(Case {
                        renames,
                        origins: editor.origins(&from),
                        to: editor.schema,
                        from,
                        pairs,
                        edits: editor.done,
                    });
                }
                Err(questions) => {
                    for question in &questions {
                        if !answer(&from, &mut renames, question) {
                            return Err(question.message.clone());
                        }
                    }
                }
            }
        }
        Err("questions without end".into())
    }
}

/// Says that a table or a column is not another one under a new name, as the question proposes.
fn answer(from: &Schema, renames: &mut Renames, question: &Question) -> bool {
    let Some((_, rest)) = question.message.rsplit_once("(replaces = \"") else {
        return false;
    };
    let Some(old) = rest.strip_suffix("\")]`") else {
        return false;
    };
    let hints: &mut TableRenames = renames.tables.entry(question.table.clone()).or_default();
    match &question.column {
        Some(column) => hints
            .replaced_columns
            .insert(column.clone(), old.to_owned())
            .is_none(),
        None => {
            let is_it = |name: &&QualifiedName| {
                (name.schema == question.table.schema && name.name == old)
                    || format!("{}.{}", name.schema, name.name) == old
            };
            let found = from.tables.keys().find(is_it).cloned();
            hints
                .replaces
                .replace(found.clone().unwrap_or_else(|| question.table.clone()));
            found.is_some()
        }
    }
}
