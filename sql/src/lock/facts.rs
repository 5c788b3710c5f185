//! Data as facts: one line `path = value` for every scalar and every list, sorted.
//!
//! A line holds one fact, so that a version control system merges two sides that changed different
//! facts, and so that a difference reads as what it is.

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
    /// Path, value and line, sorted by path.
    facts: Vec<(Vec<String>, Value, usize)>,
}

impl Facts {
    /// Reads the lines below the first, which names the format.
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        let mut facts = Facts::default();
        let mut wrong = None;
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim_end());
            // A conflict may well begin above the first line.
            let is_mark = matches!(line.as_bytes().first(), Some(b'<' | b'|' | b'=' | b'>'));
            if is_mark
                && ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
                    .iter()
                    .any(|mark| line.starts_with(mark))
            {
                wrong = Some(LockError::at(
                    number,
                    "holds a merge conflict; run `cargo tabellion reseal`, which merges what both sides say",
                ));
                break;
            }
            if index == 0 || line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((path, value)) = fact(line) else {
                wrong = Some(LockError::at(
                    number,
                    "is not a fact of the form `path = value`; restore the file from version control",
                ));
                break;
            };
            facts.facts.push((path, value, number));
        }
        // A text that was written in order is in order already. Of the same path, the first line first.
        facts.facts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        match facts.clash().or(wrong) {
            Some(error) => Err(error),
            None => Ok(facts),
        }
    }

    /// The first line that cannot stand beside one above it.
    fn clash(&self) -> Option<LockError> {
        // What lies below a path follows it, and what follows it with something else between lies below
        // that too.
        let mut clashes: Vec<(usize, LockError)> = Vec::new();
        let mut above: Vec<&(Vec<String>, Value, usize)> = Vec::new();
        for fact in &self.facts {
            let (path, _, line) = fact;
            while above
                .last()
                .is_some_and(|(outer, ..)| !path.starts_with(outer))
            {
                above.pop();
            }
            for (outer, _, other) in &above {
                let (first, second) = (other.min(line), other.max(line));
                let message = if outer == path {
                    format!(
                        "says again what line {first} says, as a merge of two branches leaves it; run \
                         `cargo tabellion reseal`"
                    )
                } else {
                    format!("contradicts line {first}; restore the file from version control")
                };
                clashes.push((*second, LockError::at(*second, message)));
            }
            above.push(fact);
        }
        let first = clashes.into_iter().min_by_key(|(line, _)| *line)?;
        Some(first.1)
    }

    /// The line of the first fact below a path.
    pub(super) fn line(&self, path: &[&str]) -> Option<usize> {
        self.facts
            .iter()
            .filter(|(key, ..)| key.iter().zip(path).all(|(a, b)| a == b))
            .map(|(.., line)| *line)
            .min()
    }

    /// The line of the first fact below a path that says a name, as a key or as a text.
    pub(super) fn line_of(&self, path: &[&str], name: &str) -> Option<usize> {
        let text = Value::from(name).to_string();
        let below = self.facts.iter().filter(|(key, ..)| {
            key.len() >= path.len() && key.iter().zip(path).all(|(a, b)| a == b)
        });
        below
            .filter(|(key, value, _)| {
                key[path.len()..].iter().any(|key| key == name) || value.to_string().contains(&text)
            })
            .map(|(.., line)| *line)
            .min()
    }

    /// The facts as one nested value.
    pub(super) fn unflatten(&self) -> Value {
        let mut root = Map::new();
        for (path, value, _) in &self.facts {
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

/// The length of the word that a text begins with.
fn word(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut end = 0;
    while end < bytes.len() && matches!(bytes[end], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_')
    {
        end += 1;
    }
    end
}

/// What stands between the quotes of the JSON string that a text begins with; `None` where it is none,
/// or holds what must be escaped.
fn plain_string(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut end = 1;
    while end < bytes.len() && bytes[end] != b'"' {
        if bytes[end] < b' ' || bytes[end] == b'\\' {
            return None;
        }
        end += 1;
    }
    text.get(1..end).filter(|_| end < bytes.len())
}

/// Path and value of a line.
pub(super) fn fact(line: &str) -> Option<(Vec<String>, Value)> {
    let mut path = Vec::new();
    let mut rest = line;
    loop {
        let (segment, after) = if rest.starts_with('"') {
            match plain_string(rest) {
                Some(segment) => (segment.to_owned(), &rest[segment.len() + 2..]),
                None => {
                    let mut parts = serde_json::Deserializer::from_str(rest).into_iter::<String>();
                    let segment = parts.next()?.ok()?;
                    (segment, &rest[parts.byte_offset()..])
                }
            }
        } else {
            let end = word(rest);
            (rest[..end].to_owned(), &rest[end..])
        };
        if segment.is_empty() && !rest.starts_with('"') {
            return None;
        }
        path.push(segment);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None => {
                let json = after.strip_prefix(" = ")?;
                // Most values are texts without escapes, which need no parser.
                let value = match plain_string(json) {
                    Some(text) if text.len() + 2 == json.len() => Value::from(text),
                    _ => serde_json::from_str(json).ok()?,
                };
                return Some((path, value));
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
