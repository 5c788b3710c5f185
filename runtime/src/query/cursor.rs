//! A place in the order of a finder, to go on from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{Piece, Select, plain};
use crate::{Error, Table};

/// A place in the order of a finder of `T`: behind one row, and in front of the next.
///
/// As text, by `Display`, `FromStr` and serde, it may go to a client and come back. It holds the values
/// that the row has in the index's columns: it is not secret, and whoever holds it can read them. Nor is
/// it a key: one that was made up moves the place where a page begins, and never what the scope sees.
///
/// It fits the finder that it came from: the same index, narrowed by as many values, in the same
/// direction. The values themselves may be others.
pub struct Cursor<T> {
    pub(super) finder: u64,
    pub(super) values: Vec<Option<Vec<u8>>>,
    of: PhantomData<fn() -> T>,
}

/// Rows of a finder, and where to go on.
#[derive(Debug)]
pub struct Page<R, T = R> {
    /// The rows, no more than the limit.
    pub rows: Vec<R>,
    /// Behind the last of them; none where no row comes behind it.
    pub next: Option<Cursor<T>>,
}

/// What begins a cursor's bytes: the version of their form.
const VERSION: u8 = 1;

impl<T> Cursor<T> {
    pub(super) fn new(finder: u64, values: Vec<Option<Vec<u8>>>) -> Self {
        Cursor {
            finder,
            values,
            of: PhantomData,
        }
    }

    /// The version, the finder, each value behind its length plus one, none as 0, and a sum of it all.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.finder.to_be_bytes());
        for value in &self.values {
            let mut length = value.as_ref().map_or(0, |value| value.len() + 1);
            while length >= 0x80 {
                bytes.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            bytes.push(length as u8);
            bytes.extend(value.iter().flatten());
        }
        bytes.extend(sum(&bytes));
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (body, end) = bytes.split_last_chunk::<4>()?;
        let (&version, rest) = body.split_first()?;
        if version != VERSION || *end != sum(body) {
            return None;
        }
        let (finder, mut rest) = rest.split_first_chunk::<8>()?;
        let mut values = Vec::new();
        while !rest.is_empty() {
            let (mut length, mut shift) = (0_usize, 0);
            loop {
                let (&byte, behind) = rest.split_first()?;
                rest = behind;
                length |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
                if shift > 28 {
                    return None;
                }
            }
            values.push(match length.checked_sub(1) {
                None => None,
                Some(length) => {
                    let (value, behind) = rest.split_at_checked(length)?;
                    rest = behind;
                    Some(value.to_vec())
                }
            });
        }
        Some(Cursor::new(u64::from_be_bytes(*finder), values))
    }
}

/// Four bytes that tell a text that was cut or mistyped; no protection against who makes one up.
fn sum(bytes: &[u8]) -> [u8; 4] {
    let mut fnv = Fnv::default();
    fnv.write(bytes);
    let hash = fnv.finish();
    ((hash >> 32) as u32 ^ hash as u32).to_be_bytes()
}

/// FNV-1a: the same on every machine and in every version, unlike the standard library's hashes.
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Which finder a cursor belongs to: table, index, how many values, which direction.
pub(super) fn finder(table: &str, select: &Select) -> u64 {
    let index = select.index.0;
    let mut fnv = Fnv::default();
    let mut add = |text: &str| {
        fnv.write(text.as_bytes());
        fnv.write(&[0]);
    };
    add(table);
    for (column, _) in index.columns {
        add(column);
    }
    add("");
    for (column, order) in select.order() {
        add(column);
        add(order.as_sql());
    }
    for piece in index.predicate {
        add(match piece {
            Piece::Sql(text) => text,
            Piece::Text(text) => text(),
        });
    }
    fnv.finish()
}

/// A value as it stood in a row's binary form.
#[derive(Debug)]
pub(super) struct Raw(pub(super) Vec<u8>);

impl ToSql for Raw {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Send + Sync>> {
        if matches!(*ty, Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME) {
            std::str::from_utf8(&self.0)?;
        }
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl crate::types::Param for Raw {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self)
    }
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// As text that a URL takes as it is: base64 of RFC 4648, section 5, without padding.
impl<T> fmt::Display for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for chunk in self.bytes().chunks(3) {
            let mut three = [0; 3];
            three[..chunk.len()].copy_from_slice(chunk);
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for n in 0..=chunk.len() {
                let digit = (bits >> (18 - 6 * n)) & 0x3f;
                text.push(char::from(DIGITS[digit as usize]));
            }
        }
        f.write_str(&text)
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for chunk in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for (n, byte) in chunk.iter().enumerate() {
            let digit = DIGITS.iter().position(|digit| digit == byte)?;
            bits |= (digit as u32) << (18 - 6 * n);
        }
        let whole = chunk.len().checked_sub(1).filter(|count| *count > 0)?;
        let [_, three @ ..] = bits.to_be_bytes();
        bytes.extend(&three[..whole]);
        // One place has one text: digits that no byte takes are zero.
        if three[whole..].iter().any(|byte| *byte != 0) {
            return None;
        }
    }
    Some(bytes)
}

impl<T: Table> FromStr for Cursor<T> {
    type Err = Error;

    /// Reads what `Display` wrote. Whether it fits a finder shows once it is fetched.
    fn from_str(text: &str) -> Result<Self, Error> {
        let read = decode(text).and_then(|bytes| Cursor::read(&bytes));
        read.ok_or_else(|| Error::Cursor {
            table: plain(T::NAME),
            column: None,
            reason: "its text is not whole",
        })
    }
}

impl<T> serde::Serialize for Cursor<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, T: Table> serde::Deserialize<'de> for Cursor<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl<T> Clone for Cursor<T> {
    fn clone(&self) -> Self {
        Cursor::new(self.finder, self.values.clone())
    }
}

impl<T> PartialEq for Cursor<T> {
    fn eq(&self, other: &Self) -> bool {
        self.finder == other.finder && self.values == other.values
    }
}

impl<T> Eq for Cursor<T> {}

impl<T> Hash for Cursor<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.finder.hash(state);
        self.values.hash(state);
    }
}

/// Shows no value.
impl<T> fmt::Debug for Cursor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({:016x})", self.finder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor<()> {
        Cursor::new(
            7,
            vec![
                Some(vec![1, 2, 3]),
                None,
                Some(Vec::new()),
                Some(vec![9; 300]),
            ],
        )
    }

    #[test]
    fn a_cursor_survives_its_own_text() {
        let text = cursor().to_string();
        let read = decode(&text).and_then(|bytes| Cursor::read(&bytes));
        assert_eq!(read, Some(cursor()));
        assert!(text.bytes().all(|byte| DIGITS.contains(&byte)));
        let none: Cursor<()> = Cursor::new(u64::MAX, Vec::new());
        assert_eq!(Cursor::read(&none.bytes()), Some(none));
    }

    #[test]
    fn a_changed_byte_or_a_cut_is_noticed() {
        let bytes = cursor().bytes();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 0x20;
            assert!(Cursor::<()>::read(&other).is_none(), "{at}");
            assert!(Cursor::<()>::read(&bytes[..at]).is_none(), "{at}");
        }
        let text = cursor().to_string();
        for broken in ["", "A", "!!!!", "AAAA", &text[1..], &text[..text.len() - 1]] {
            let read = decode(broken).and_then(|bytes| Cursor::<()>::read(&bytes));
            assert!(read.is_none(), "{broken}");
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        for lie in [&[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f][..], &[5, 1], &[0x80]] {
            let mut bytes = vec![VERSION];
            bytes.extend(7_u64.to_be_bytes());
            bytes.extend(lie);
            bytes.extend(sum(&bytes));
            assert!(Cursor::<()>::read(&bytes).is_none());
        }
    }
}
