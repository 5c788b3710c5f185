//! Data as facts: one line `path = value` for every scalar and every list, sorted.
//!
//! A line holds one fact, so that a version control system merges two sides that changed different
//! facts, and so that a difference reads as what it is.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::LockError;
use super::write::push_segment;

/// A key as a segment of a path.
pub(super) fn segment(key: &str) -> String {
    let mut segment = String::new();
    push_segment(&mut segment, key);
    segment
}

/// Facts read from text, each with its line.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Value and line by path.
    facts: BTreeMap<Vec<String>, (Value, usize)>,
}

impl Facts {
    /// Reads the lines below the first, which names the format.
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        let mut facts = Facts::default();
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim_end());
            // A conflict may well begin above the first line.
            if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
                .iter()
                .any(|mark| line.starts_with(mark))
            {
                return Err(LockError::at(
                    number,
                    "holds a merge conflict; run `cargo tabellion reseal`, which merges what both sides say",
                ));
            }
            if index == 0 || line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (path, value) = fact(line).ok_or_else(|| {
                LockError::at(
                    number,
                    "is not a fact of the form `path = value`; restore the file from version control",
                )
            })?;
            facts.insert(path, value, number)?;
        }
        Ok(facts)
    }

    fn insert(&mut self, path: Vec<String>, value: Value, line: usize) -> Result<(), LockError> {
        if let Some((_, first)) = self.facts.get(&path) {
            return Err(LockError::at(
                line,
                format!(
                    "says again what line {first} says, as a merge of two branches leaves it; run \
                     `cargo tabellion reseal`"
                ),
            ));
        }
        // A path is the end of a fact or the beginning of others, never both.
        let above = (1..path.len()).find_map(|end| self.facts.get(&path[..end]));
        let below = self
            .facts
            .range(path.clone()..)
            .next()
            .filter(|(other, _)| other.starts_with(&path))
            .map(|(_, fact)| fact);
        if let Some((_, other)) = above.or(below) {
            return Err(LockError::at(
                line,
                format!("contradicts line {other}; restore the file from version control"),
            ));
        }
        self.facts.insert(path, (value, line));
        Ok(())
    }

    /// The line of the first fact below a path.
    pub(super) fn line(&self, path: &[&str]) -> Option<usize> {
        self.facts
            .iter()
            .filter(|(key, _)| key.iter().zip(path).all(|(a, b)| a == b))
            .map(|(_, (_, line))| *line)
            .min()
    }

    /// The facts as one nested value.
    pub(super) fn unflatten(&self) -> Value {
        let mut root = Map::new();
        for (path, (value, _)) in &self.facts {
            let Some((last, above)) = path.split_last() else {
                continue;
            };
            let mut map = &mut root;
            for key in above {
                let inner = map
                    .entry(key.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                // `insert` keeps scalars and maps apart, so this is a map always.
                let Value::Object(inner) = inner else {
                    return Value::Null;
                };
                map = inner;
            }
            map.insert(last.clone(), value.clone());
        }
        Value::Object(root)
    }
}

/// Path and value of a line.
pub(super) fn fact(line: &str) -> Option<(Vec<String>, Value)> {
    let mut path = Vec::new();
    let mut rest = line;
    loop {
        let (segment, after) = if rest.starts_with('"') {
            let mut parts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let segment = parts.next()?.ok()?;
            (segment, &rest[parts.byte_offset()..])
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
            (rest[..end].to_owned(), &rest[end..])
        };
        if segment.is_empty() && !rest.starts_with('"') {
            return None;
        }
        path.push(segment);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => {
                let value = after.strip_prefix(" = ")?;
                return Some((path, serde_json::from_str(value).ok()?));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_survives_its_facts() {
        let value = json!({
            "plain": {"a_1": 1, "with.dot": {"": "x", "say \"hi\" = ": null}},
            "empty": {}, "none": [], "list": [{"b": 1, "a": [true]}, "line\nbreak"],
        });
        let text = super::super::write::facts(String::new(), "", &value).unwrap();
        assert!(
            text.contains("list = [{\"a\":[true],\"b\":1},\"line\\nbreak\"]\n"),
            "{text}"
        );
        assert!(text.contains("plain.\"with.dot\".\"\" = \"x\"\n"), "{text}");
        assert_eq!(
            Facts::parse(&format!("first\n{text}")).unwrap().unflatten(),
            value
        );
    }

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line, word) in [
            ("x\na = 1\nb\n", 3, "not a fact"),
            ("x\na = {\n", 2, "not a fact"),
            ("x\n.a = 1\n", 2, "not a fact"),
            ("x\na = 1\nb = 2\na = 3\n", 4, "line 2"),
            ("x\na = 1\na.b = 2\n", 3, "contradicts line 2"),
            ("x\na.b.c = 1\na.b = 2\n", 3, "contradicts line 2"),
            ("x\n<<<<<<< HEAD\na = 1\n", 2, "merge conflict"),
        ] {
            let error = Facts::parse(text).unwrap_err();
            assert_eq!(error.line(), Some(line), "{text}");
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
