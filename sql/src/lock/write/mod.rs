//! Any data as facts, written straight away, without a tree of it in between: a build script is compiled
//! without optimisation, where a large schema's tree costs more than all that is planned from it.

mod serializer;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Error, Value};

/// The facts of a value, a line each, sorted by path, behind `text`; every path begins with `path`.
///
/// # Errors
/// Data that JSON cannot hold, which no schema is.
pub(super) fn facts(text: String, path: &str, value: &impl Serialize) -> Result<String, Error> {
    let mut writer = Writer {
        text,
        path: path.to_owned(),
        depth: 0,
    };
    value.serialize(&mut writer)?;
    Ok(writer.text)
}

struct Writer {
    text: String,
    /// The path of the value at hand.
    path: String,
    /// How many lists, and objects in them, we are in: what lies in a list is one fact with it.
    depth: usize,
}

impl Writer {
    fn scalar(&mut self, json: &str) {
        self.open();
        self.text.push_str(json);
        self.close();
    }

    fn open(&mut self) {
        if self.depth == 0 {
            self.text.push_str(&self.path);
            self.text.push_str(" = ");
        }
    }

    fn close(&mut self) {
        if self.depth == 0 {
            self.text.push('\n');
        }
    }

    fn list(&mut self) -> Many<'_> {
        self.open();
        self.depth += 1;
        self.text.push('[');
        Many {
            first: self.text.len(),
            outer: None,
            writer: self,
        }
    }

    fn object(&mut self) -> Keyed<'_> {
        Keyed {
            path: self.path.len(),
            entries: Vec::with_capacity(12),
            key: String::new(),
            is_sorted: true,
            outer: None,
            writer: self,
        }
    }
}

/// A key as a segment of a path, added to it: as it is where it is a plain word, else as a JSON string.
pub(super) fn push_segment(path: &mut String, key: &str) {
    let bytes = key.as_bytes();
    // A loop by index is what an unoptimised build is fast with, here and below.
    let mut at = 0;
    while at < bytes.len() && matches!(bytes[at], b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') {
        at += 1;
    }
    if at == bytes.len() && at > 0 {
        path.push_str(key);
    } else {
        push_string(path, key);
    }
}

/// A text as a JSON string.
fn push_string(text: &mut String, value: &str) {
    let bytes = value.as_bytes();
    let mut at = 0;
    while at < bytes.len() && bytes[at] >= b' ' && bytes[at] != b'"' && bytes[at] != b'\\' {
        at += 1;
    }
    if at == bytes.len() {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Value::from(value).to_string());
    }
}

/// The elements of a list.
struct Many<'a> {
    writer: &'a mut Writer,
    /// Where the first element begins.
    first: usize,
    /// The variant whose content this is.
    outer: Option<Outer>,
}

impl Many<'_> {
    fn push(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        if self.writer.text.len() > self.first {
            self.writer.text.push(',');
        }
        value.serialize(&mut *self.writer)
    }

    fn finish(self) {
        self.writer.text.push(']');
        self.writer.depth -= 1;
        self.writer.close();
        if let Some(outer) = self.outer {
            outer.leave(self.writer);
        }
    }
}

/// The entries of a map or of a struct.
struct Keyed<'a> {
    writer: &'a mut Writer,
    /// The length of its own path.
    path: usize,
    /// Key and place of each entry that wrote something; outside lists a place begins with the path,
    /// which is as good as the key.
    entries: Vec<(String, usize)>,
    /// The key of the entry to come.
    key: String,
    is_sorted: bool,
    /// The variant whose content this is.
    outer: Option<Outer>,
}

impl Keyed<'_> {
    fn push(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        let writer = &mut *self.writer;
        let start = writer.text.len();
        if writer.depth == 0 {
            if self.path > 0 {
                writer.path.push('.');
            }
            push_segment(&mut writer.path, key);
            value.serialize(&mut *writer)?;
            writer.path.truncate(self.path);
            if let Some((_, before)) = self.entries.last() {
                // A segment that begins as another one does is followed by `.` or a blank, which come
                // before any character of a segment, so that whole lines compare as their paths do.
                self.is_sorted &= writer.text[*before..start] < writer.text[start..];
            }
            self.entries.push((String::new(), start));
        } else {
            push_string(&mut writer.text, key);
            writer.text.push(':');
            value.serialize(&mut *writer)?;
            if let Some((before, _)) = self.entries.last() {
                self.is_sorted &= before.as_str() < key;
            }
            self.entries.push((key.to_owned(), start));
        }
        Ok(())
    }

    fn finish(self) {
        let Keyed {
            writer,
            entries,
            is_sorted,
            outer,
            ..
        } = self;
        let in_list = writer.depth > 0;
        let start = entries.first().map_or(writer.text.len(), |(_, at)| *at);
        if entries.is_empty() {
            writer.scalar("{}");
        } else if in_list || !is_sorted {
            let written = writer.text.split_off(start);
            let end = |index: usize, entries: &[(String, usize)]| {
                entries
                    .get(index + 1)
                    .map_or(written.len(), |(_, at)| at - start)
            };
            let mut parts: Vec<(&str, &str)> = Vec::with_capacity(entries.len());
            for (index, (key, at)) in entries.iter().enumerate() {
                let part = &written[at - start..end(index, &entries)];
                parts.push((if in_list { key } else { part }, part));
            }
            if !is_sorted {
                parts.sort_unstable();
            }
            if in_list {
                writer.text.push('{');
            }
            for (index, (_, part)) in parts.iter().enumerate() {
                if in_list && index > 0 {
                    writer.text.push(',');
                }
                writer.text.push_str(part);
            }
            if in_list {
                writer.text.push('}');
            }
        }
        if let Some(outer) = outer {
            outer.leave(writer);
        }
    }
}

/// An enumeration's variant with content: an object of one entry.
struct Outer {
    path: usize,
}

impl Outer {
    fn enter(writer: &mut Writer, variant: &str) -> Outer {
        let path = writer.path.len();
        if writer.depth == 0 {
            if path > 0 {
                writer.path.push('.');
            }
            push_segment(&mut writer.path, variant);
        } else {
            writer.text.push('{');
            push_string(&mut writer.text, variant);
            writer.text.push(':');
        }
        Outer { path }
    }

    fn leave(self, writer: &mut Writer) {
        writer.path.truncate(self.path);
        if writer.depth > 0 {
            writer.text.push('}');
        }
    }
}
