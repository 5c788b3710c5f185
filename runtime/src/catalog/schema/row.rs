//! The fields of a row, by name.

use serde::de::DeserializeOwned;
use tokio_postgres::SimpleQueryRow;

/// A row of one of the queries beside this file. A field that its query does not give is a mistake
/// here, and panics; the first test that reads a catalog finds it.
pub(super) struct Row<'a>(pub(super) &'a SimpleQueryRow);

impl Row<'_> {
    /// A text; empty for NULL.
    pub(super) fn text(&self, field: &str) -> &str {
        self.0.get(field).unwrap_or_default()
    }

    pub(super) fn owned(&self, field: &str) -> String {
        self.text(field).to_owned()
    }

    /// A text, or NULL.
    pub(super) fn optional(&self, field: &str) -> Option<String> {
        self.0.get(field).map(str::to_owned)
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.text(field) == "t"
    }

    /// An object's identity, a column's number and the like.
    pub(super) fn number(&self, field: &str) -> u32 {
        self.text(field).parse().unwrap_or_default()
    }

    /// A list, or a list of lists, that the query gives as JSON; empty for NULL.
    pub(super) fn list<T: DeserializeOwned>(&self, field: &str) -> Vec<T> {
        serde_json::from_str(self.text(field)).unwrap_or_default()
    }
}
