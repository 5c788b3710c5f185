//! The facts that a migration added, as short checksums: what they say stands in the schema already, or among
//! what a later migration took away.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::file::checksum;

/// Hexadecimal digits of each fact's SHA-256: enough that no two facts of a schema of any size have the same.
const DIGITS: usize = 12;

/// Facts, each as the first digits of its checksum, without separators.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Came(String);

impl Came {
    pub(super) fn of<'a>(facts: impl Iterator<Item = &'a String>) -> Came {
        Came(facts.map(|fact| digits(fact)).collect())
    }

    /// Whether it added nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it added a fact.
    pub(super) fn holds(&self, fact: &str) -> bool {
        let digits = digits(fact);
        self.digits().any(|added| added == digits)
    }

    /// The digits of each.
    pub(super) fn digits(&self) -> impl Iterator<Item = &str> {
        let digits = self.0.as_bytes().chunks(DIGITS);
        digits.filter_map(|digits| std::str::from_utf8(digits).ok())
    }

    /// Its facts, of those known; `None` where one is not among them.
    pub(super) fn among<'a>(
        &self,
        known: &BTreeMap<String, &'a String>,
    ) -> Option<Vec<&'a String>> {
        let digits = self.0.as_bytes().chunks(DIGITS);
        digits
            .map(|digits| Some(*known.get(std::str::from_utf8(digits).ok()?)?))
            .collect()
    }
}

/// Facts by their digits.
pub(super) fn by_digits<'a>(
    facts: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, &'a String> {
    facts.into_iter().map(|fact| (digits(fact), fact)).collect()
}

/// The first digits of a fact's checksum.
pub(super) fn digits(fact: &str) -> String {
    let mut digits = checksum(fact);
    digits.truncate(DIGITS);
    digits
}
