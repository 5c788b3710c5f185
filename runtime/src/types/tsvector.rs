//! A text prepared for search.

use std::error::Error as StdError;
use std::fmt;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A `tsvector` column. PostgreSQL makes one of a text, in a generated column or a trigger of one's own;
/// here it can be read, shown as PostgreSQL shows it, and passed on.
///
/// Source: <https://www.postgresql.org/docs/15/datatype-textsearch.html#DATATYPE-TSVECTOR>
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tsvector {
    lexemes: Vec<Lexeme>,
}

/// A normalised word, and where it stood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Lexeme {
    text: String,
    /// The weight in the upper two bits, the position in the others.
    positions: Vec<u16>,
}

impl Tsvector {
    /// The words, in PostgreSQL's order.
    pub fn lexemes(&self) -> impl Iterator<Item = &str> {
        self.lexemes.iter().map(|lexeme| lexeme.text.as_str())
    }

    /// About how many bytes it takes in a message.
    pub(super) fn size(&self) -> usize {
        let lexemes = self.lexemes.iter();
        lexemes
            .map(|lexeme| lexeme.text.len() + 3 + 2 * lexeme.positions.len())
            .sum()
    }
}

impl fmt::Display for Tsvector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, lexeme) in self.lexemes.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            let text = lexeme.text.replace('\\', "\\\\").replace('\'', "''");
            write!(f, "'{text}'")?;
            for (index, position) in lexeme.positions.iter().enumerate() {
                let separator = if index > 0 { ',' } else { ':' };
                // No letter stands for the least weight, D.
                let weight = ["", "C", "B", "A"][usize::from(position >> 14)];
                write!(f, "{separator}{}{weight}", position & 0x3fff)?;
            }
        }
        Ok(())
    }
}

/// The message ends too early, or holds more than it says.
#[derive(Debug, thiserror::Error)]
#[error("not a tsvector")]
struct Malformed;

/// Takes so many bytes off the front.
fn take<const N: usize>(raw: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = raw.split_first_chunk().ok_or(Malformed)?;
    *raw = rest;
    Ok(*taken)
}

impl<'a> FromSql<'a> for Tsvector {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let count = u32::from_be_bytes(take(&mut raw)?);
        let mut lexemes = Vec::new();
        for _ in 0..count {
            let end = raw.iter().position(|byte| *byte == 0).ok_or(Malformed)?;
            let text = std::str::from_utf8(&raw[..end])?.to_owned();
            raw = &raw[end + 1..];
            let positions = (0..u16::from_be_bytes(take(&mut raw)?))
                .map(|_| take(&mut raw).map(u16::from_be_bytes))
                .collect::<Result<_, _>>()?;
            lexemes.push(Lexeme { text, positions });
        }
        match raw {
            [] => Ok(Tsvector { lexemes }),
            _ => Err(Malformed.into()),
        }
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TS_VECTOR
    }
}

impl ToSql for Tsvector {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Send + Sync>> {
        out.put_u32(self.lexemes.len().try_into()?);
        for lexeme in &self.lexemes {
            out.put_slice(lexeme.text.as_bytes());
            out.put_u8(0);
            out.put_u16(lexeme.positions.len().try_into()?);
            for position in &lexeme.positions {
                out.put_u16(*position);
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TS_VECTOR
    }

    to_sql_checked!();
}
