//! What was expected, against what was found.

use std::fmt::Display;

use tabellion::Error;

/// The checks of one step.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    made: usize,
    failed: Vec<String>,
    detail: String,
}

impl Checks {
    /// Two values that should be equal. Show counts, names and outcomes, never a row's value.
    pub(crate) fn equal<T: PartialEq + Display>(
        &mut self,
        what: impl Display,
        expected: T,
        found: T,
    ) {
        let holds = expected == found;
        self.record(holds, || {
            format!("{what}: expected {expected}, found {found}")
        });
    }

    /// Something that should be so; `expected` and `found` say what, and what instead.
    pub(crate) fn that(&mut self, what: impl Display, expected: &str, found: &str, holds: bool) {
        self.record(holds, || {
            format!("{what}: expected {expected}, found {found}")
        });
    }

    /// A typed statement that should be refused, with an error of the wanted kind.
    pub(crate) fn refused<T>(
        &mut self,
        what: impl Display,
        expected: &str,
        outcome: Result<T, Error>,
        wanted: impl FnOnce(&Error) -> bool,
    ) {
        let (holds, found) = match outcome {
            Ok(_) => (false, "that it was done".to_owned()),
            Err(error) => (wanted(&error), format!("the error: {error}")),
        };
        self.record(holds, || {
            format!("{what}: expected {expected}, found {found}")
        });
    }

    /// A few words beside the step's title: what was looked at.
    pub(crate) fn detail(&mut self, words: impl Into<String>) {
        self.detail = words.into();
    }

    fn record(&mut self, holds: bool, told: impl FnOnce() -> String) {
        self.made += 1;
        if !holds {
            self.failed.push(told());
        }
    }

    pub(crate) fn made(&self) -> usize {
        self.made
    }

    pub(crate) fn words(&self) -> &str {
        &self.detail
    }

    pub(crate) fn all_hold(&self) -> bool {
        self.failed.is_empty()
    }

    /// A sentence for each check that did not hold.
    pub(crate) fn into_failed(self) -> Vec<String> {
        self.failed
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_fails_says_what_was_expected_and_found() {
        let mut checks = Checks::default();
        checks.equal("rows", 3, 3);
        checks.equal("rows", 3, 4);
        checks.that("a row", "to be gone", "that it is there", false);
        checks.refused("an update", "a refusal", Ok(1), |_| true);
        checks.refused(
            "an update",
            "that there is no row",
            Err::<(), _>(Error::Closed),
            |error| matches!(error, Error::NotFound { .. }),
        );
        checks.refused(
            "an update",
            "a refusal",
            Err::<(), _>(Error::Closed),
            |error| *error == Error::Closed,
        );
        assert_eq!(checks.made(), 6);
        assert_eq!(
            checks.into_failed(),
            [
                "rows: expected 3, found 4",
                "a row: expected to be gone, found that it is there",
                "an update: expected a refusal, found that it was done",
                "an update: expected that there is no row, found the error: the database was closed; connect again",
            ]
        );
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(0, "row"), "0 rows");
    }
}
