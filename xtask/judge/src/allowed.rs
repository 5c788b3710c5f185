//! Findings that stay, and why.

use std::fmt;

use serde::Deserialize;

use crate::answers::Finding;

const TABLE: &str = include_str!("../allowed.toml");

/// The table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowed {
    allowed: Vec<Allowance>,
}

/// One kind of finding.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowance {
    judge: String,
    code: String,
    /// The schemas whose names one of these fits, where `*` stands for any text; all without it.
    #[serde(default)]
    schemas: Vec<String>,
    /// What the message holds.
    #[serde(default)]
    says: String,
    reason: String,
}

/// What the table makes of findings.
pub(crate) struct Verdict<'a> {
    pub(crate) used: Vec<(&'a Allowance, usize)>,
    pub(crate) unused: Vec<&'a Allowance>,
    pub(crate) left: Vec<&'a Finding>,
}

impl Allowed {
    pub(crate) fn read() -> Result<Self, String> {
        Self::parse(TABLE)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let allowed: Allowed = toml::from_str(text).map_err(|error| error.to_string())?;
        match allowed
            .allowed
            .iter()
            .find(|it| it.reason.trim().is_empty())
        {
            Some(it) => Err(format!("the allowance of `{}` has no reason", it.code)),
            None => Ok(allowed),
        }
    }

    /// The first allowance that fits a finding is its own.
    pub(crate) fn judge<'a>(&'a self, found: &'a [Finding]) -> Verdict<'a> {
        let mut counts = vec![0; self.allowed.len()];
        let mut left = Vec::new();
        for finding in found {
            match self.allowed.iter().position(|it| it.fits(finding)) {
                Some(index) => counts[index] += 1,
                None => left.push(finding),
            }
        }
        let (used, unused): (Vec<_>, Vec<_>) = self
            .allowed
            .iter()
            .zip(counts)
            .partition(|(_, count)| *count > 0);
        Verdict {
            used,
            unused: unused.into_iter().map(|(it, _)| it).collect(),
            left,
        }
    }
}

impl Allowance {
    fn fits(&self, finding: &Finding) -> bool {
        self.judge == finding.judge
            && self.code == finding.code
            && finding.message.contains(&self.says)
            && (self.schemas.is_empty()
                || self
                    .schemas
                    .iter()
                    .any(|pattern| matches(pattern, &finding.schema)))
    }
}

/// Whether a name is what a pattern says.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name.strip_prefix(before).is_some_and(|name| {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter().any(|at| matches(rest, &name[at..]))
        }),
    }
}

impl fmt::Display for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.judge, self.code, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, schema: &str, message: &str) -> Finding {
        Finding {
            judge: "squawk",
            code: code.into(),
            schema: schema.into(),
            message: message.into(),
        }
    }

    #[test]
    fn every_allowance_has_a_reason() {
        assert!(Allowed::read().is_ok());
        let blank = "[[allowed]]\njudge = \"squawk\"\ncode = \"a\"\nreason = \" \"";
        assert!(Allowed::parse(blank).is_err());
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, fits) in [
            ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/cd", false),
            ("*/b/*", "a/b/c", true),
            ("*/b/*", "b/c", false),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn an_allowance_covers_what_it_says_and_no_more() {
        let table = "
            [[allowed]]
            judge = \"squawk\"
            code = \"a\"
            schemas = [\"hot*\"]
            says = \"serial\"
            reason = \"so\"
            [[allowed]]
            judge = \"pgrls\"
            code = \"a\"
            reason = \"so\"";
        let allowed = Allowed::parse(table).expect("a table");
        let found = [
            finding("a", "hotdash", "a serial"),
            finding("a", "hotdash", "an int"),
            finding("a", "other", "a serial"),
            finding("b", "hotdash", "a serial"),
        ];
        let verdict = allowed.judge(&found);
        assert_eq!(verdict.left, [&found[1], &found[2], &found[3]]);
        assert_eq!(verdict.used.len(), 1);
        assert_eq!(verdict.unused.len(), 1);
    }
}
