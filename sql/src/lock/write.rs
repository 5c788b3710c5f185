//! Any data as facts, written straight away, without a tree of it in between: a build script is compiled
//! without optimisation, where a large schema's tree costs more than all that is planned from it.

use serde::Serialize;
use serde::ser::{
    self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};
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

macro_rules! scalars {
    ($($method:ident $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<(), Error> {
            self.scalar(&value.to_string());
            Ok(())
        })*
    };
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Many<'a>;
    type SerializeTuple = Many<'a>;
    type SerializeTupleStruct = Many<'a>;
    type SerializeTupleVariant = Many<'a>;
    type SerializeMap = Keyed<'a>;
    type SerializeStruct = Keyed<'a>;
    type SerializeStructVariant = Keyed<'a>;

    scalars!(
        serialize_bool bool, serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64
    );

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.scalar(&Value::from(value).to_string());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.scalar(&Value::from(value).to_string());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.open();
        push_string(&mut self.text, value);
        self.close();
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.scalar("null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let outer = Outer::enter(self, variant);
        value.serialize(&mut *self)?;
        outer.leave(self);
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Many<'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<Many<'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Many<'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Many<'a>, Error> {
        let outer = Outer::enter(self, variant);
        let list = self.list();
        Ok(Many {
            outer: Some(outer),
            ..list
        })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Keyed<'a>, Error> {
        Ok(self.object())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Keyed<'a>, Error> {
        Ok(self.object())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Keyed<'a>, Error> {
        let outer = Outer::enter(self, variant);
        let object = self.object();
        Ok(Keyed {
            outer: Some(outer),
            ..object
        })
    }
}

macro_rules! elements {
    ($($trait:ident $method:ident),*) => {
        $(impl $trait for Many<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.push(value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        })*
    };
}

elements!(
    SerializeSeq serialize_element, SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field, SerializeTupleVariant serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl $trait for Keyed<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.push(key, value)
            }

            fn end(self) -> Result<(), Error> {
                self.finish();
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

impl SerializeMap for Keyed<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        // As in JSON, a key that is a number stands as its digits.
        self.key = match serde_json::to_value(key)? {
            Value::String(text) => text,
            number @ (Value::Number(_) | Value::Bool(_)) => number.to_string(),
            _ => return Err(ser::Error::custom("a key of a map is no text")),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key = std::mem::take(&mut self.key);
        self.push(&key, value)
    }

    fn end(self) -> Result<(), Error> {
        self.finish();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Kind {
        Unit,
        New(u8),
        Tuple(u8, char),
        Struct { b: bool, a: Option<u8> },
    }

    fn lines(value: &impl Serialize) -> Vec<String> {
        let text = facts(String::new(), "", value).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_shape_reads_as_json_has_it() {
        let kinds = || {
            vec![
                Kind::Unit,
                Kind::New(1),
                Kind::Tuple(2, 'c'),
                Kind::Struct { b: true, a: None },
            ]
        };
        let of_kinds = r#"["Unit",{"New":1},{"Tuple":[2,"c"]},{"Struct":{"a":null,"b":true}}]"#;
        assert_eq!(
            lines(&BTreeMap::from([("k", kinds())])),
            [format!("k = {of_kinds}")]
        );
        let [unit, new, tuple, record] = kinds().try_into().ok().unwrap();
        assert_eq!(
            lines(&BTreeMap::from([
                ("z", unit),
                ("y", new),
                ("x", tuple),
                ("w", record)
            ])),
            [
                "w.Struct.a = null",
                "w.Struct.b = true",
                "x.Tuple = [2,\"c\"]",
                "y.New = 1",
                "z = \"Unit\"",
            ]
        );
        assert_eq!(
            lines(&BTreeMap::from([(2, 1.5), (10, 0.0)])),
            ["10 = 0.0", "2 = 1.5"]
        );
        assert_eq!(lines(&BTreeMap::<u8, u8>::new()), [" = {}"]);
        assert!(facts(String::new(), "", &BTreeMap::from([([1], 1)])).is_err());
    }

    #[test]
    fn lines_are_sorted_by_path_whatever_the_order_of_the_data() {
        let inner = || BTreeMap::from([("b", 1), ("a", 2)]);
        let map: BTreeMap<&str, _> = ["a", "a_b", "ab", "a b", "a!", "\u{e4}", "", "A", "a\"", "0"]
            .into_iter()
            .map(|key| (key, inner()))
            .collect();
        let text = facts("head\n".into(), "p", &map).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        let paths: Vec<_> = lines.iter().map(|line| line.split(" = ").next()).collect();
        assert_eq!(lines.len(), 20);
        assert!(paths.is_sorted(), "{text}");
        assert_eq!(lines[0], "p.\"\".a = 2");
    }
}
