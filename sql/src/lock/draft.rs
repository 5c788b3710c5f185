//! The lock of a draft: what the draft leads to, and what it was drawn against.

use serde::{Deserialize, Serialize};

use super::{LockError, read, write};
use crate::file::checksum;
use crate::schema::Schema;

/// The first line of a draft's lock.
const FORMAT: &str = "tabellion-draft 1";

/// What a draft leads to. It stands beside the draft's two SQL files, as `draft.lock`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The checksum of the lock's head that the draft was drawn against; `None` for a first draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The schema once the draft has run.
    #[serde(default)]
    pub schema: Schema,
    /// The checksum of `draft.sql`.
    pub up: String,
    /// The checksum of `draft.rollback.sql`.
    pub down: String,
}

impl Draft {
    /// A draft's lock, from the head it was drawn against, what it leads to, and its two files.
    pub fn new(parent: Option<String>, schema: Schema, up: &str, down: &str) -> Self {
        Draft {
            parent,
            schema,
            up: checksum(up),
            down: checksum(down),
        }
    }

    /// Whether two texts are the draft's two files. They are not after a build that was cut short
    /// between writing one and the other, or after a change by hand.
    pub fn matches(&self, up: &str, down: &str) -> bool {
        checksum(up) == self.up && checksum(down) == self.down
    }

    /// Reads a draft's lock.
    ///
    /// # Errors
    /// A text that is none, holds a merge conflict or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        read(text, FORMAT)
    }

    /// The draft's lock as text: the same bytes for the same content.
    pub fn to_text(&self) -> String {
        write(FORMAT, self)
    }
}
