//! Rows one after the other, of which only some are in memory.

use std::collections::VecDeque;
use std::fmt;

use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::Projection;
use crate::Error;
use crate::database::Portal;

/// The rows of a finder as they come: a portion of about 256 KiB at a time, all of one snapshot.
///
/// It holds a connection, and a transaction on it, until the last row has come or it is dropped. Dropped
/// before, it closes that connection. Rows come before the transaction has ended, which for a reading
/// changes nothing: an error at its end comes in the place of the row after the last.
#[must_use = "a stream that is dropped closes its connection"]
pub struct RowStream<R> {
    portal: Portal,
    rows: VecDeque<R>,
}

impl<R: Projection> RowStream<R> {
    pub(super) fn new(portal: Portal, first: Vec<R>) -> Self {
        RowStream {
            portal,
            rows: first.into(),
        }
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// See [`Error`]. After an error, and after a future of this function that was dropped before it was
    /// done, there are no more rows but an error.
    pub async fn try_next(&mut self) -> Result<Option<R>, Error> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Ok(Some(row));
            }
            match self.portal.next().await? {
                Some(rows) => self.rows = rows.decode(R::from_row)?.into(),
                None => return Ok(None),
            }
        }
    }

    /// The same for the combinators of `futures`.
    pub fn into_stream(self) -> impl Stream<Item = Result<R, Error>> + Send
    where
        R: Send,
    {
        try_unfold(self, async |mut stream| {
            let row = stream.try_next().await?;
            Ok(row.map(|row| (row, stream)))
        })
    }
}

impl<R> fmt::Debug for RowStream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream").finish_non_exhaustive()
    }
}
