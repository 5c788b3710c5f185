//! Why the story cannot go on, in one sentence.

use std::fmt;

use tabellion::migrate::MigrateError;

/// What keeps the story from going on. Holds no row's value and no part of a URL.
#[derive(Debug)]
pub struct Stop(String);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stop {}

impl Stop {
    /// A sentence: lower case, no final period.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Stop(sentence.into())
    }
}

impl From<tabellion::Error> for Stop {
    fn from(error: tabellion::Error) -> Self {
        Stop(error.to_string())
    }
}

impl From<MigrateError> for Stop {
    fn from(error: MigrateError) -> Self {
        Stop(error.to_string())
    }
}

impl From<tabellion::testing::Error> for Stop {
    fn from(error: tabellion::testing::Error) -> Self {
        Stop(error.to_string())
    }
}

/// Names the condition only: the driver's own words may quote a row.
impl From<tokio_postgres::Error> for Stop {
    fn from(error: tokio_postgres::Error) -> Self {
        Stop(match error.code() {
            Some(code) => format!(
                "the server refused a statement of the demonstration itself (SQLSTATE {}); see its log",
                code.code()
            ),
            None => {
                "a plain connection of the demonstration itself could not be opened or was lost; \
                     see that the server runs and takes connections without TLS"
                    .to_owned()
            }
        })
    }
}
