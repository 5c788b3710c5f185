//! The lock of a draft: what the draft leads to, and what it was drawn against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LockError, read, schema_text, write};
use crate::file::checksum;
use crate::plan::LAY_ANYWHERE;
use crate::schema::Schema;

/// The first line of a draft's lock.
const FORMAT: &str = "tabellion-draft 4";

/// The file below the root that says that the last build could not draw: the draft beside it, or that there is
/// none, is of an earlier one.
pub const UNFINISHED: &str = "draft.unfinished";

/// What a draft leads to. It stands beside the draft's SQL files, as `draft.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// The checksum of the lock's head that the draft was drawn against; `None` for a first draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The schema once the whole draft has run.
    #[serde(default)]
    pub schema: Schema,
    /// Its pairs of files by their number, from 1.
    #[serde(default)]
    pairs: BTreeMap<usize, DraftPair>,
}

/// One pair of a draft's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DraftPair {
    /// The checksum of the file that applies it.
    pub up: String,
    /// The checksum of its rollback.
    pub down: String,
}

/// Pairs by their number.
fn numbered(pairs: impl IntoIterator<Item = DraftPair>) -> BTreeMap<usize, DraftPair> {
    (1..).zip(pairs).collect()
}

/// A schema as a draft's lock writes it. To make it takes longer than all the rest of the lock, and needs
/// nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFacts(String);

impl SchemaFacts {
    /// The facts of a schema.
    pub fn of(schema: &Schema) -> Self {
        SchemaFacts(schema_text(schema))
    }
}

/// The names of the files of a draft's pair, of that number from 1: the migration and its rollback.
/// Those of the first have no number.
pub fn draft_files(number: usize) -> [String; 2] {
    let number = match number {
        0 | 1 => String::new(),
        more => format!(".{more}"),
    };
    [
        format!("draft{number}.sql"),
        format!("draft{number}.rollback.sql"),
    ]
}

/// What the title of a rollback says beside the rest, given the SQL of the file that it undoes.
pub fn what_stays(applied: &str) -> String {
    let sentences = [
        (
            "create extension if not exists ",
            "-- Extensions that it installed stay, with the PostgreSQL schema they lie in: others may need them by now.\n",
        ),
        (
            LAY_ANYWHERE,
            "-- An extension that it moved stays where it is: no PostgreSQL schema was declared before, so that it may \
             have lain there.\n",
        ),
    ];
    let said = sentences.into_iter();
    said.filter(|(sql, _)| {
        applied
            .lines()
            .any(|line| line.trim_start().starts_with(sql))
    })
    .map(|(_, sentence)| sentence)
    .collect()
}

impl Draft {
    /// A draft's lock, from the head it was drawn against, what it leads to, and the texts of its
    /// files, pair by pair: the one that applies it, and its rollback.
    pub fn new<'a>(
        parent: Option<String>,
        schema: Schema,
        pairs: impl IntoIterator<Item = [&'a str; 2]>,
    ) -> Self {
        let pairs = pairs.into_iter().map(|[up, down]| DraftPair {
            up: checksum(up),
            down: checksum(down),
        });
        Draft {
            pairs: numbered(pairs),
            parent,
            schema,
        }
    }

    /// Its pairs, in order, each with its number.
    pub fn pairs(&self) -> impl ExactSizeIterator<Item = (usize, &DraftPair)> {
        self.pairs.iter().map(|(&number, pair)| (number, pair))
    }

    /// Reads a draft's lock.
    ///
    /// # Errors
    /// A text that is none, holds a merge conflict or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let draft: Draft = read(text, FORMAT)?;
        let in_order = draft.pairs.keys().copied().eq(1..=draft.pairs.len());
        if in_order && !draft.pairs.is_empty() {
            Ok(draft)
        } else {
            Err(LockError::whole("its pairs are not numbered from 1"))
        }
    }

    /// The draft's lock as text: the same bytes for the same content.
    pub fn to_text(&self) -> String {
        text(&self.parent, &self.pairs, &schema_text(&self.schema))
    }

    /// The text of a draft's lock, from the checksums of its files.
    pub fn text_of(
        parent: Option<String>,
        schema: &SchemaFacts,
        pairs: impl IntoIterator<Item = DraftPair>,
    ) -> String {
        text(&parent, &numbered(pairs), &schema.0)
    }
}

/// The text of a draft's lock, given that of its schema. Of all paths `schema` is the last.
fn text(parent: &Option<String>, pairs: &BTreeMap<usize, DraftPair>, schema: &str) -> String {
    #[derive(Serialize)]
    struct Rest<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        parent: &'a Option<String>,
        pairs: &'a BTreeMap<usize, DraftPair>,
    }
    let mut text = write(FORMAT, &Rest { parent, pairs });
    let mut facts = schema.split_inclusive('\n');
    // The first line names no format here.
    facts.next();
    for fact in facts {
        text.push_str("schema.");
        text.push_str(fact);
    }
    text
}

impl DraftPair {
    /// Whether two texts are the pair's files. They are not after a build that was cut short between
    /// writing one and the other, or after a change by hand.
    pub fn matches(&self, up: &str, down: &str) -> bool {
        checksum(up) == self.up && checksum(down) == self.down
    }
}
