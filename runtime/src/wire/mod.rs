//! PostgreSQL's extended query protocol, as far as a scoped statement needs it.
//!
//! One exchange is one flight: everything that was encoded leaves together, ends in a single Sync,
//! and is read up to the server's ReadyForQuery. Between two Syncs the server runs all statements as
//! one transaction and skips whatever follows an error
//! (<https://www.postgresql.org/docs/15/protocol-flow.html#PROTOCOL-FLOW-PIPELINING>). Once its
//! ReadyForQuery is here, the outcome is known: with an ErrorResponse before it the transaction was
//! rolled back, without one it was committed. Until then nobody knows, whatever else the server
//! said: it may be ended after the commit, while it waits for a standby, and reports that as an error
//! too.

mod bind;
mod reply;
mod types;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWrite};

pub(crate) use bind::{
    Prepared, Refused, Unnamed, bind, bind_texts, close, encode_element, execute_text, parse,
    parse_typed,
};
pub(crate) use reply::{Command, Fault, Replies, texts};
pub(crate) use types::{TypeInfo, known, look_up};

use crate::database::Stream;
use crate::error::ServerError;

/// How much is read at once, in bytes: a page of rows and more.
const READ: usize = 16 * 1024;

/// An authenticated connection, of which only whole exchanges are asked.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    incoming: BytesMut,
    /// Messages that leave with the next exchange.
    pub(crate) outgoing: BytesMut,
    /// Nothing that was written waits inside the stream. TLS keeps what the socket did not take.
    flushed: bool,
    /// The server waits outside a transaction and owes no answer.
    idle: bool,
    /// The server waits inside a transaction, and owes no answer.
    within: bool,
    /// That transaction has failed.
    failed: bool,
    /// An answer was waited for, and its future neither returned nor failed.
    awaited: bool,
    /// What the server has answered so far, and nobody has asked for.
    answers: Vec<Message>,
}

impl Wire {
    /// Takes an authenticated stream at which the server waits.
    pub(crate) fn new(stream: Box<dyn Stream>) -> Self {
        Wire {
            stream,
            incoming: BytesMut::with_capacity(READ),
            outgoing: BytesMut::with_capacity(1024),
            flushed: true,
            idle: true,
            within: false,
            failed: false,
            awaited: false,
            answers: Vec::new(),
        }
    }

    /// Whether the server is known to wait outside a transaction, so that somebody else may use the
    /// connection. False from the first byte of an exchange until its ReadyForQuery: a future that
    /// is dropped in between leaves it false for good.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle
    }

    /// Whether the server is known to wait inside a transaction, be it a failed one.
    pub(crate) fn is_within(&self) -> bool {
        self.within
    }

    /// Whether the transaction that the server waits in has failed, so that it runs nothing more in it.
    pub(crate) fn is_failed(&self) -> bool {
        self.failed
    }

    /// Whether the server may still be at work on an exchange whose future was dropped.
    pub(crate) fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Closes the connection at once, without a word: the server rolls back what is open.
    pub(crate) fn close(&mut self) {
        self.idle = false;
        self.within = false;
        self.awaited = false;
        self.stream = Box::new(tokio::io::empty());
    }

    /// Sends what was encoded and one Sync, and reads the answers up to ReadyForQuery.
    ///
    /// # Errors
    /// Each means that ReadyForQuery did not come: [`Fault::Lost`] if the connection broke,
    /// [`Fault::Farewell`] if the server reported an error before that, [`Fault::Protocol`] if the
    /// bytes make no sense. The server's other errors are in the replies.
    pub(crate) async fn exchange(&mut self) -> Result<Replies, Fault> {
        self.start()?;
        self.ended().await
    }

    /// Sends what was encoded and one Sync, and waits for nothing: what the stream does not take at once leaves with
    /// [`Wire::arrived`] or [`Wire::ended`], which read the answers.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) fn start(&mut self) -> Result<(), Fault> {
        if !self.idle && !self.within {
            return Err(Fault::Protocol("the connection still owes an answer"));
        }
        if !self.incoming.is_empty() && !self.is_quiet() {
            self.close();
            return Err(Fault::Lost);
        }
        self.commit();
        // A broken stream shows when the answers are read.
        let _ = self.poll_flushed(&mut Context::from_waker(Waker::noop()));
        Ok(())
    }

    /// Ends an exchange of which a part has left, with a Sync, and reads up to ReadyForQuery.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn finish(&mut self) -> Result<Replies, Fault> {
        self.commit();
        self.ended().await
    }

    /// Reads up to ReadyForQuery.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn ended(&mut self) -> Result<Replies, Fault> {
        while !self.take_in().await? {}
        Ok(Replies::new(std::mem::take(&mut self.answers)))
    }

    /// The answers that are here, once the last of them is a row behind so many commands that are complete, or they are
    /// all. Nobody reads on before somebody asks
    /// again, so that the server waits once the socket is full. A future that is dropped loses nothing: the answers
    /// wait for the next one.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn arrived(&mut self, commands: usize) -> Result<Replies, Fault> {
        let is_complete = |answer: &&Message| matches!(answer, Message::CommandComplete(_));
        loop {
            let ended = self.take_in().await?;
            let is_row = matches!(self.answers.last(), Some(Message::DataRow(_)));
            let behind = || self.answers.iter().filter(is_complete).count() >= commands;
            if ended || (is_row && (commands == 0 || behind())) {
                let answers = std::mem::take(&mut self.answers);
                return Ok(match ended {
                    true => Replies::new(answers),
                    false => Replies::so_far(answers),
                });
            }
        }
    }

    /// Writes what was encoded, with no Sync behind it, and takes in the answers that come meanwhile; returns whether
    /// the server has refused something. [`Wire::finish`] ends the exchange.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn send(&mut self) -> Result<bool, Fault> {
        if self.idle && !self.is_alive() {
            self.idle = false;
            return Err(Fault::Lost);
        }
        self.idle = false;
        self.awaited = true;
        let Wire {
            stream,
            incoming,
            outgoing,
            flushed,
            ..
        } = self;
        let written = poll_fn(|cx| {
            loop {
                poll_write(stream, outgoing, flushed, cx)?;
                if outgoing.is_empty() {
                    return Poll::Ready(std::io::Result::Ok(()));
                }
                // A server whose answers nobody takes stops reading.
                std::task::ready!(poll_read(stream, incoming, cx))?;
            }
        })
        .await;
        let before = self.answers.len();
        self.sort()?;
        match written {
            Ok(()) => {
                let mut news = self.answers[before..].iter();
                Ok(news.any(|answer| matches!(answer, Message::ErrorResponse(_))))
            }
            Err(_) => Err(self.farewell()),
        }
    }

    /// Encodes the Sync. From here on the server is at work.
    fn commit(&mut self) {
        (self.idle, self.within) = (false, false);
        self.awaited = true;
        frontend::sync(&mut self.outgoing);
    }

    /// Takes in the answers that are here, at least one, and returns whether ReadyForQuery was among them.
    async fn take_in(&mut self) -> Result<bool, Fault> {
        let before = self.answers.len();
        loop {
            if self.sort()? {
                return Ok(true);
            }
            if self.answers.len() > before {
                return Ok(false);
            }
            if self.transfer().await.is_err() {
                self.awaited = false;
                return Err(self.farewell());
            }
        }
    }

    /// Makes answers of the bytes that are here, up to ReadyForQuery, and returns whether that is here.
    fn sort(&mut self) -> Result<bool, Fault> {
        while let Some(message) = next_message(&mut self.incoming)? {
            match message {
                // A notice may quote values: it is dropped unread.
                Message::NoticeResponse(_)
                | Message::NotificationResponse(_)
                | Message::ParameterStatus(_) => {}
                Message::ReadyForQuery(ready) => {
                    let sent = self.outgoing.is_empty() && self.flushed;
                    self.idle = ready.status() == b'I' && sent;
                    self.within = ready.status() != b'I' && sent;
                    self.failed = ready.status() == b'E';
                    self.awaited = false;
                    return Ok(true);
                }
                message => self.answers.push(message),
            }
        }
        Ok(false)
    }

    /// Why the connection broke. A server that gives up says why and hangs up.
    fn farewell(&self) -> Fault {
        match self.answers.last() {
            Some(Message::ErrorResponse(body)) => {
                Fault::Farewell(Box::new(ServerError::read(body)))
            }
            _ => Fault::Lost,
        }
    }

    /// Writes as much as the stream takes and returns once something was read.
    ///
    /// Both directions make progress at once: a server that answers while a large message is still
    /// being written never waits for a reader.
    async fn transfer(&mut self) -> std::io::Result<()> {
        poll_fn(|cx| {
            self.poll_flushed(cx)?;
            poll_read(&mut self.stream, &mut self.incoming, cx)
        })
        .await
    }

    /// Writes as much as the stream takes, and has it pass that on.
    fn poll_flushed(&mut self, cx: &mut Context<'_>) -> std::io::Result<()> {
        poll_write(&mut self.stream, &mut self.outgoing, &mut self.flushed, cx)?;
        if !self.flushed {
            self.flushed = Pin::new(&mut self.stream).poll_flush(cx)?.is_ready();
        }
        Ok(())
    }

    /// Whether an idle connection may be used again. Looks at what has arrived and sends nothing, so
    /// it costs no round trip.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.idle && self.is_quiet()
    }

    /// Whether nothing has arrived that ends the connection.
    fn is_quiet(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(read) = poll_read(&mut self.stream, &mut self.incoming, &mut cx) {
            if read.is_err() {
                return false;
            }
        }
        // A changed setting or a notice is harmless. An error here is the server's farewell, and a
        // message of which only a part is here cannot be judged.
        loop {
            match next_message(&mut self.incoming) {
                Ok(Some(Message::NoticeResponse(_) | Message::ParameterStatus(_))) => {}
                Ok(None) => return self.incoming.is_empty(),
                _ => return false,
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.idle {
            // Says goodbye, where that takes no waiting. Otherwise the server sees the socket close
            // and rolls back what is open.
            let mut cx = Context::from_waker(Waker::noop());
            let mut goodbye = BytesMut::new();
            frontend::terminate(&mut goodbye);
            if let Poll::Ready(Ok(_)) = Pin::new(&mut self.stream).poll_write(&mut cx, &goodbye) {
                let _ = Pin::new(&mut self.stream).poll_flush(&mut cx);
            }
        }
    }
}

fn next_message(incoming: &mut BytesMut) -> Result<Option<Message>, Fault> {
    Message::parse(incoming).map_err(|_| Fault::Protocol("a message does not parse"))
}

/// Writes as much as the stream takes.
fn poll_write(
    stream: &mut Box<dyn Stream>,
    outgoing: &mut BytesMut,
    flushed: &mut bool,
    cx: &mut Context<'_>,
) -> std::io::Result<()> {
    while !outgoing.is_empty() {
        match Pin::new(&mut *stream).poll_write(cx, outgoing)? {
            Poll::Ready(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Poll::Ready(count) => {
                outgoing.advance(count);
                *flushed = false;
            }
            Poll::Pending => break,
        }
    }
    Ok(())
}

fn poll_read(
    stream: &mut Box<dyn Stream>,
    incoming: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    incoming.reserve(READ.saturating_sub(incoming.len()).max(READ / 4));
    match pin!(stream.read_buf(incoming)).poll(cx)? {
        Poll::Ready(0) => Poll::Ready(Err(std::io::ErrorKind::UnexpectedEof.into())),
        Poll::Ready(_) => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncWriteExt, BufWriter};

    use super::*;

    /// A stream that takes everything at once and hands it on only as it is flushed, as TLS does.
    #[tokio::test]
    async fn what_the_stream_keeps_is_flushed_to_the_end() -> Result<(), Box<dyn std::error::Error>>
    {
        const LEN: usize = 1 << 20;
        let (client, mut server) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            // The message's and the Sync's own bytes are read too.
            let mut request = vec![0; LEN + 5];
            server.read_exact(&mut request).await?;
            server.write_all(b"Z\0\0\0\x05I").await?;
            Ok::<_, std::io::Error>(())
        });
        let stream = BufWriter::with_capacity(2 * LEN, client);
        let mut wire = Wire::new(Box::new(stream));
        wire.outgoing.resize(LEN, b'x');
        let exchange = tokio::time::timeout(Duration::from_secs(10), wire.exchange()).await?;
        assert!(exchange.is_ok_and(|mut replies| replies.committed().is_ok()));
        assert!(wire.is_idle());
        Ok(())
    }
}
