//! The lock of a draft: what the draft leads to, and what it was drawn against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{LockError, read, schema_checksum, schema_text, write};
use crate::file::checksum;
use crate::schema::Schema;

/// The first line of a draft's lock.
const FORMAT: &str = "tabellion-draft 2";

/// What a draft leads to. It stands beside the draft's SQL files, as `draft.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct DraftPair {
    /// The checksum of the file that applies it.
    pub up: String,
    /// The checksum of its rollback.
    pub down: String,
    /// The checksum of the schema that it leads to.
    pub schema: String,
}

impl DraftPair {
    /// A pair from the texts of its files and the schema that it leads to.
    pub fn new(up: &str, down: &str, schema: &Schema) -> Self {
        DraftPair {
            up: checksum(up),
            down: checksum(down),
            schema: schema_checksum(schema),
        }
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

impl Draft {
    /// A draft's lock, from the head it was drawn against, what it leads to, and its pairs in order;
    /// the last one leads to `schema`.
    pub fn new(
        parent: Option<String>,
        schema: Schema,
        pairs: impl IntoIterator<Item = DraftPair>,
    ) -> Self {
        Draft {
            parent,
            schema,
            pairs: (1..).zip(pairs).collect(),
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
        let last = draft.pairs.values().next_back();
        let in_order = draft.pairs.keys().copied().eq(1..=draft.pairs.len());
        if in_order && last.is_some_and(|last| last.schema == schema_checksum(&draft.schema)) {
            Ok(draft)
        } else {
            Err(LockError::whole(
                "it does not lead to the schema that it names",
            ))
        }
    }

    /// The draft's lock as text: the same bytes for the same content.
    pub fn to_text(&self) -> String {
        text(&self.parent, &self.pairs, &schema_text(&self.schema))
    }

    /// The text of the lock of a draft that is drawn against that head and has these pairs: both files
    /// and the schema that they lead to.
    pub fn text_of(parent: Option<String>, pairs: &[(&str, &str, &Schema)]) -> String {
        // The last schema is read twice and written once: a large one takes its time.
        let mut last = String::new();
        let pairs = (1..).zip(pairs).map(|(number, (up, down, schema))| {
            last = schema_text(schema);
            let pair = DraftPair {
                up: checksum(up),
                down: checksum(down),
                schema: checksum(&last),
            };
            (number, pair)
        });
        let pairs: BTreeMap<usize, DraftPair> = pairs.collect();
        text(&parent, &pairs, &last)
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
    for fact in schema.lines().skip(1) {
        text.push_str("schema.");
        text.push_str(fact);
        text.push('\n');
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
