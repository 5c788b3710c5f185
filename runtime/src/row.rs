//! Values on their way out of a row.

use std::error::Error as StdError;
use std::ops::Range;
use std::sync::Arc;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::DataRowBody;
use tokio_postgres::types::{FromSql, Type, WasNull};

use crate::Error;
use crate::error::Written;
use crate::query::{TableInfo, plain};
use crate::text_enum::UnknownText;
use crate::wire::Prepared;

/// One row of a table, read by position.
#[derive(Debug)]
pub struct Row<'a> {
    table: &'static TableInfo,
    types: &'a [Type],
    body: &'a [u8],
    ranges: &'a [Option<Range<usize>>],
}

impl<'a> Row<'a> {
    /// The value of the column at `index`, counted from 0 in the order of the table's columns.
    ///
    /// # Errors
    /// [`Error::Decode`], naming table and column and never the value: NULL where the field is no
    /// `Option`, a type that the field's type does not read, a text that no variant has.
    pub fn get<V: FromSql<'a>>(&self, index: usize) -> Result<V, Error> {
        let (Some(ty), Some(range)) = (self.types.get(index), self.ranges.get(index)) else {
            return Err(self.fault(
                index,
                "is missing from the row; apply the migrations".into(),
            ));
        };
        if !V::accepts(ty) {
            return Err(self.wrong_type(index, ty, std::any::type_name::<V>()));
        }
        let raw = range
            .as_ref()
            .and_then(|range| self.body.get(range.clone()));
        V::from_sql_nullable(ty, raw)
            .map_err(|error| self.unreadable(index, ty, error.as_ref(), std::any::type_name::<V>()))
    }

    #[cold]
    fn wrong_type(&self, index: usize, ty: &Type, rust: &str) -> Error {
        let rust = short_type_name(rust);
        self.fault(
            index,
            format!(
                "is `{ty}`, which a `{rust}` cannot hold; apply the migrations or change the field"
            ),
        )
    }

    #[cold]
    fn unreadable(
        &self,
        index: usize,
        ty: &Type,
        error: &(dyn StdError + Send + Sync + 'static),
        rust: &str,
    ) -> Error {
        let rust = short_type_name(rust);
        let reason = if error.is::<WasNull>() {
            match self.ranges.get(index) {
                Some(None) => format!("is NULL; make the field an `Option<{rust}>`"),
                _ => format!("has an element that is NULL, which a `{rust}` cannot hold"),
            }
        } else if error.is::<UnknownText>() {
            format!(
                "holds a text that `{rust}` has no variant for; add the variant or correct the row"
            )
        } else {
            format!("holds a `{ty}` that does not fit a `{rust}`")
        };
        self.fault(index, reason)
    }

    #[cold]
    fn fault(&self, index: usize, reason: String) -> Error {
        Error::Decode {
            table: plain(self.table.name),
            column: match self.table.columns.get(index) {
                Some(name) => plain(name),
                None => index.to_string(),
            },
            reason,
            written: Written::No,
        }
    }
}

/// Where each value of a row lies; none of a NULL.
type Ranges = Vec<Option<Range<usize>>>;

/// The rows of a committed statement, or some of one under way.
pub(crate) struct Rows {
    pub(crate) table: &'static TableInfo,
    pub(crate) statement: Arc<Prepared>,
    pub(crate) bodies: Vec<DataRowBody>,
    pub(crate) affected: u64,
    /// There are more to come.
    pub(crate) unfinished: bool,
}

impl Rows {
    /// Decodes every row.
    pub(crate) fn decode<V>(
        &self,
        decode: fn(&Row<'_>) -> Result<V, Error>,
    ) -> Result<Vec<V>, Error> {
        let mut values = Vec::with_capacity(self.bodies.len());
        let mut ranges = Vec::with_capacity(self.statement.columns.len());
        for body in &self.bodies {
            values.push(self.decode_one(body, &mut ranges, decode)?);
        }
        Ok(values)
    }

    fn decode_one<V>(
        &self,
        body: &DataRowBody,
        ranges: &mut Ranges,
        decode: fn(&Row<'_>) -> Result<V, Error>,
    ) -> Result<V, Error> {
        self.locate(body, ranges)?;
        self.reorder(ranges)?;
        decode(&Row {
            table: self.table,
            types: &self.statement.columns,
            body: body.buffer(),
            ranges,
        })
    }

    /// The rows to be decoded one after the other.
    pub(crate) fn into_unread(mut self) -> Unread {
        Unread {
            bodies: std::mem::take(&mut self.bodies).into_iter(),
            ranges: Vec::with_capacity(self.statement.columns.len()),
            rows: self,
        }
    }

    /// The last row's values at those positions, as they came; none without a row.
    pub(crate) fn last_values(
        &self,
        positions: &[usize],
    ) -> Result<Option<Vec<Option<Vec<u8>>>>, Error> {
        let Some(body) = self.bodies.last() else {
            return Ok(None);
        };
        let mut ranges = Vec::new();
        self.locate(body, &mut ranges)?;
        let value = |position: &usize| match ranges.get(*position) {
            Some(Some(range)) => Ok(body.buffer().get(range.clone()).map(<[u8]>::to_vec)),
            Some(None) => Ok(None),
            None => Err(Error::Protocol(
                "a row has fewer columns than were asked for",
            )),
        };
        positions
            .iter()
            .map(value)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Puts the columns of raw SQL into the order of the fields.
    fn reorder(&self, ranges: &mut Ranges) -> Result<(), Error> {
        let Some(order) = &self.statement.order else {
            return Ok(());
        };
        let count = ranges.len();
        for at in order {
            let range = ranges.get(*at).filter(|_| *at < count).cloned();
            ranges.push(range.ok_or(Error::Protocol("a row has fewer columns than were named"))?);
        }
        ranges.drain(..count);
        Ok(())
    }

    fn locate(&self, body: &DataRowBody, ranges: &mut Ranges) -> Result<(), Error> {
        ranges.clear();
        let mut found = body.ranges();
        loop {
            match found.next() {
                Ok(Some(range)) => ranges.push(range),
                Ok(None) => return Ok(()),
                Err(_) => return Err(Error::Protocol("a row does not parse")),
            }
        }
    }
}

/// Rows that are decoded as they are asked for, which keeps no more of them than is asked for.
pub(crate) struct Unread {
    rows: Rows,
    bodies: std::vec::IntoIter<DataRowBody>,
    ranges: Ranges,
}

impl Unread {
    /// The next row, if there is one.
    pub(crate) fn next<V>(
        &mut self,
        decode: fn(&Row<'_>) -> Result<V, Error>,
    ) -> Option<Result<V, Error>> {
        let body = self.bodies.next()?;
        Some(self.rows.decode_one(&body, &mut self.ranges, decode))
    }
}

/// A type's name without the paths of its parts: `Option<String>`.
pub(crate) fn short_type_name(name: &str) -> String {
    let mut short = String::with_capacity(name.len());
    let mut start = 0;
    for (at, c) in name.char_indices() {
        if !c.is_alphanumeric() && c != '_' && c != ':' {
            short.push_str(last_segment(&name[start..at]));
            short.push(c);
            start = at + c.len_utf8();
        }
    }
    short.push_str(last_segment(&name[start..]));
    short
}

fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_name_loses_its_paths() {
        let name = std::any::type_name::<Option<Vec<std::time::Duration>>>();
        assert_eq!(short_type_name(name), "Option<Vec<Duration>>");
        assert_eq!(short_type_name("&str"), "&str");
    }
}
