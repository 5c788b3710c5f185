//! What is kept of a sealed file, so that a change of it is seen and can be told.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{checksum, hex, normalize};

/// Hexadecimal digits kept of each line's SHA-256. They only tell lines apart for a report; that a
/// file changed at all is decided by its whole checksum.
const DIGITS: usize = 6;

/// Above this many line pairs, a report names one region instead of the shortest difference.
const PAIRS: usize = 4_000_000;

/// The checksum of a sealed file, and short ones of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSeal {
    /// SHA-256 of the normalised text, see [`checksum`].
    pub sha256: String,
    /// Six hexadecimal digits for each line, without separators.
    #[serde(default)]
    pub lines: String,
}

impl FileSeal {
    /// Seals a text.
    pub fn of(text: &str) -> Self {
        FileSeal {
            sha256: checksum(text),
            lines: normalize(text).lines().map(digits).collect(),
        }
    }

    /// Whether a text is the sealed one, line endings and trailing blanks aside.
    pub fn matches(&self, text: &str) -> bool {
        checksum(text) == self.sha256
    }

    /// What separates a text from the sealed one, from its top; empty where it [`matches`](Self::matches).
    pub fn changes(&self, text: &str) -> Vec<Hunk> {
        if self.matches(text) {
            return Vec::new();
        }
        let normal = normalize(text);
        let now: Vec<&str> = normal.lines().collect();
        let now_digits: Vec<String> = now.iter().map(|line| digits(line)).collect();
        let sealed: Vec<&str> = self
            .lines
            .as_bytes()
            .chunks(DIGITS)
            .filter_map(|chunk| std::str::from_utf8(chunk).ok())
            .collect();
        hunks(&sealed, &now_digits, &now)
    }
}

fn digits(line: &str) -> String {
    hex(&Sha256::digest(line.as_bytes())[..DIGITS / 2])
}

/// One place where a file differs from what was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The line of the file as it is now, counted from 1, at which the difference begins.
    pub line: usize,
    /// How many sealed lines are gone from there.
    pub removed: usize,
    /// The lines that stand there now.
    pub now: Vec<String>,
}

impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = |count: usize| if count == 1 { "line is" } else { "lines are" };
        match (self.removed, self.now.as_slice()) {
            (gone, []) => write!(
                f,
                "{gone} sealed {} gone before line {}",
                many(gone),
                self.line
            ),
            (0, [first]) => write!(f, "line {} is new: `{}`", self.line, first.trim()),
            (0, [first, ..]) => write!(
                f,
                "{} lines are new from line {} on: `{}` ...",
                self.now.len(),
                self.line,
                first.trim()
            ),
            (_, [first]) => write!(f, "line {} now reads `{}`", self.line, first.trim()),
            (_, [first, ..]) => write!(
                f,
                "lines {} to {} now read `{}` ...",
                self.line,
                self.line + self.now.len() - 1,
                first.trim()
            ),
        }
    }
}

/// The shortest difference by longest common subsequence, equal ends set aside first.
fn hunks(sealed: &[&str], now: &[String], text: &[&str]) -> Vec<Hunk> {
    let head = sealed.iter().zip(now).take_while(|(a, b)| a == b).count();
    let tail = sealed[head..]
        .iter()
        .rev()
        .zip(now[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old, new) = (
        &sealed[head..sealed.len() - tail],
        &now[head..now.len() - tail],
    );
    let whole = |from: usize, old_len: usize, new_len: usize| Hunk {
        line: from + 1,
        removed: old_len,
        now: text[from..from + new_len]
            .iter()
            .map(|&line| line.to_owned())
            .collect(),
    };
    if old.is_empty() || new.is_empty() || old.len() * new.len() > PAIRS {
        return vec![whole(head, old.len(), new.len())];
    }

    // common[i][j]: lines that old[i..] and new[j..] share in order.
    let width = new.len() + 1;
    let mut common = vec![0u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    while i < old.len() || j < new.len() {
        let (from_i, from_j) = (i, j);
        while !(i < old.len() && j < new.len() && old[i] == new[j]) {
            let drop_old = j == new.len()
                || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]);
            if i == old.len() && j == new.len() {
                break;
            } else if drop_old {
                i += 1;
            } else {
                j += 1;
            }
        }
        if (i, j) != (from_i, from_j) {
            found.push(whole(head + from_j, i - from_i, j - from_j));
        }
        while i < old.len() && j < new.len() && old[i] == new[j] {
            i += 1;
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(from: &str, to: &str) -> Vec<String> {
        FileSeal::of(from)
            .changes(to)
            .iter()
            .map(Hunk::to_string)
            .collect()
    }

    #[test]
    fn a_change_is_told_by_line() {
        let file = "one\ntwo\nthree\nfour\nfive\nsix\n";
        assert!(told(file, &file.replace('\n', "\r\n")).is_empty());
        assert_eq!(
            told(file, &file.replace("two", "zwei")),
            ["line 2 now reads `zwei`"]
        );
        assert_eq!(
            told(file, "one\nthree\nfour\nnew\nfive\nsechs\n"),
            [
                "1 sealed line is gone before line 2",
                "line 4 is new: `new`",
                "line 6 now reads `sechs`"
            ]
        );
        assert_eq!(
            told(file, "one\ntwo\n"),
            ["4 sealed lines are gone before line 3"]
        );
        assert_eq!(told(file, ""), ["6 sealed lines are gone before line 1"]);
        assert_eq!(
            told(file, "one\na\nb\nc\nfour\nfive\nsix\n"),
            ["lines 2 to 4 now read `a` ..."]
        );
        assert_eq!(
            told(file, &format!("{file}seven\neight\n")),
            ["2 lines are new from line 7 on: `seven` ..."]
        );
    }

    #[test]
    fn a_seal_with_broken_lines_still_tells_that_the_file_changed() {
        let seal = FileSeal {
            lines: "zz".into(),
            ..FileSeal::of("one\n")
        };
        assert_eq!(seal.changes("two\n").len(), 1);
        assert!(seal.changes("one\n").is_empty());
    }
}
