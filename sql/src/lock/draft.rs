//! The lock of a draft: what the draft leads to, and what it was drawn against.

use serde::{Deserialize, Serialize};

use super::{LockError, read, write};
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
}

impl Draft {
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
