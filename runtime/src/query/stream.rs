//! Rows one after the other, of which only some are in memory.

use std::fmt;
use std::marker::PhantomData;

use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::FromRow;
use crate::Error;
use crate::database::Incoming;
use crate::error::Written;
use crate::row::{Rows, Unread};

/// The rows of a finder as they come, all of one snapshot. What the server has sent and nobody has read waits in the
/// socket's buffers, and the server with it; in this process lie 16 KiB of rows, or the largest one.
///
/// It holds a connection, and a transaction on it, until the last row has come or it is dropped. Dropped
/// before, it closes that connection. Rows come before the transaction has ended, which for a reading
/// changes nothing: an error at its end comes in the place of the rows that arrived with it. A limit on the statement's time
/// holds for the whole stream, whoever is slow.
#[must_use = "a stream that is dropped closes its connection"]
pub struct RowStream<R> {
    incoming: Incoming,
    unread: Option<Unread>,
    /// The statement may write.
    writes: bool,
    of: PhantomData<fn() -> R>,
}

impl<R: FromRow> RowStream<R> {
    pub(super) fn new(incoming: Incoming, first: Rows, writes: bool) -> Self {
        RowStream {
            incoming,
            unread: Some(first.into_unread()),
            writes,
            of: PhantomData,
        }
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// See [`Error`]. After an error there are no more rows but an error. A future of this function that is dropped
    /// loses no row: the next one goes on.
    pub async fn try_next(&mut self) -> Result<Option<R>, Error> {
        loop {
            let row = self.unread.as_mut().and_then(|rows| rows.next(R::from_row));
            match row {
                Some(Ok(row)) => return Ok(Some(row)),
                Some(Err(error)) => {
                    self.unread = None;
                    self.incoming.abandon();
                    return Err(match self.writes {
                        true => error.behind_write(Written::Unknown),
                        false => error,
                    });
                }
                None => {}
            }
            self.unread = None;
            match self.incoming.next().await? {
                Some(rows) => self.unread = Some(rows.into_unread()),
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
