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
    Prepared, Refused, Unnamed, bind, bind_texts, close, encode, execute, execute_text, parse,
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
        if !self.idle && !self.within {
            return Err(Fault::Protocol("the connection still owes an answer"));
        }
        if !self.incoming.is_empty() && !self.is_quiet() {
            self.close();
            return Err(Fault::Lost);
        }
        self.finish().await
    }

    /// Ends the exchange that [`Wire::request`] began, with a Sync, and reads up to ReadyForQuery.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn finish(&mut self) -> Result<Replies, Fault> {
        (self.idle, self.within) = (false, false);
        self.awaited = true;
        frontend::sync(&mut self.outgoing);
        let answer = self.answer().await;
        self.awaited = false;
        answer
    }

    /// Sends what was encoded without a Sync, so that the transaction stays open. It waits for nothing:
    /// what the stream does not take at once leaves with [`Wire::portion`], which reads the answer.
    pub(crate) fn request(&mut self) {
        (self.idle, self.within) = (false, false);
        self.awaited = true;
        frontend::flush(&mut self.outgoing);
        let mut cx = Context::from_waker(Waker::noop());
        // A broken stream shows when the answer is read.
        let _ = self.poll_flushed(&mut cx);
    }

    /// Reads until that many commands are complete, a portal has paused, or the server reported an error.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn portion(&mut self, mut commands: usize) -> Result<Replies, Fault> {
        let mut messages = Vec::new();
        loop {
            while let Some(message) = next_message(&mut self.incoming)? {
                let is_last = match message {
                    Message::NoticeResponse(_)
                    | Message::NotificationResponse(_)
                    | Message::ParameterStatus(_) => continue,
                    Message::CommandComplete(_) => {
                        commands = commands.saturating_sub(1);
                        commands == 0
                    }
                    Message::PortalSuspended | Message::ErrorResponse(_) => true,
                    _ => false,
                };
                messages.push(message);
                if is_last {
                    self.awaited = false;
                    return Ok(Replies::new(messages));
                }
            }
            if self.transfer().await.is_err() {
                return Err(Fault::Lost);
            }
        }
    }

    /// Writes what was encoded, with no Sync behind it, and takes in the answers that come meanwhile; returns whether
    /// the server has refused something. [`Wire::finish`] ends the exchange.
    ///
    /// # Errors
    /// As [`Wire::exchange`].
    pub(crate) async fn send(&mut self, answers: &mut Vec<Message>) -> Result<bool, Fault> {
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
        let mut refused = false;
        while let Some(message) = next_message(&mut self.incoming)? {
            match message {
                Message::NoticeResponse(_)
                | Message::NotificationResponse(_)
                | Message::ParameterStatus(_) => {}
                message => {
                    refused |= matches!(message, Message::ErrorResponse(_));
                    answers.push(message);
                }
            }
        }
        match (written, answers.last()) {
            (Ok(()), _) => Ok(refused),
            (Err(_), Some(Message::ErrorResponse(body))) => {
                Err(Fault::Farewell(Box::new(ServerError::read(body))))
            }
            (Err(_), _) => Err(Fault::Lost),
        }
    }

    async fn answer(&mut self) -> Result<Replies, Fault> {
        let mut messages = Vec::new();
        loop {
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
                        return Ok(Replies::new(messages));
                    }
                    message => messages.push(message),
                }
            }
            if self.transfer().await.is_err() {
                // A server that gives up says why and hangs up.
                return Err(match messages.last() {
                    Some(Message::ErrorResponse(body)) => {
                        Fault::Farewell(Box::new(ServerError::read(body)))
                    }
                    _ => Fault::Lost,
                });
            }
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
