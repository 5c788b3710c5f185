//! The answers of one exchange, in the order of its requests.

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{
    DataRowBody, Message, ParameterDescriptionBody, RowDescriptionBody,
};

use crate::Error;
use crate::error::{ServerError, Timeout};

/// Why an exchange has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server reported an error; it has rolled everything back.
    Server(Box<ServerError>),
    /// The connection broke, and the server did not say why.
    Lost,
    /// The server reported an error and hung up, without saying what became of the transaction.
    Farewell(Box<ServerError>),
    /// The server said what the protocol does not allow.
    Protocol(&'static str),
    /// The columns of an answer are not those that were learnt.
    Changed,
}

impl From<Fault> for Error {
    /// The error of an exchange that wrote nothing.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Server(error) => Error::Server(error),
            Fault::Farewell(error) if error.is_of_idleness() => {
                Error::Timeout(Timeout::Transaction)
            }
            Fault::Farewell(_) | Fault::Lost => Error::Disconnected {
                unknown_outcome: false,
            },
            Fault::Protocol(what) => Error::Protocol(what),
            Fault::Changed => Error::StaleStatement,
        }
    }
}

/// What one statement returned.
pub(crate) struct Command {
    /// Its rows, undecoded.
    pub(crate) rows: Vec<DataRowBody>,
    /// How many rows it read or wrote, from the command's tag.
    pub(crate) affected: u64,
    /// More of it is on its way.
    pub(crate) unfinished: bool,
    /// Its columns, where they were asked for.
    pub(crate) columns: Option<RowDescriptionBody>,
    /// It was a ROLLBACK, or a COMMIT that came to one.
    pub(crate) rolled_back: bool,
}

/// The answers of one exchange. Whoever reads them asks for one after the other, and finally whether
/// the transaction was committed.
pub(crate) struct Replies {
    messages: std::vec::IntoIter<Message>,
    /// They are all that there are.
    ended: bool,
}

impl Replies {
    pub(super) fn new(messages: Vec<Message>) -> Self {
        Replies {
            messages: messages.into_iter(),
            ended: true,
        }
    }

    /// Those that have come, of more.
    pub(super) fn so_far(messages: Vec<Message>) -> Self {
        Replies {
            ended: false,
            ..Replies::new(messages)
        }
    }

    /// Whether the server refused something.
    pub(crate) fn has_error(&mut self) -> bool {
        self.messages
            .any(|message| matches!(message, Message::ErrorResponse(_)))
    }

    /// The next statement's result, or what has come of it.
    pub(crate) fn command(&mut self) -> Result<Command, Fault> {
        let mut rows = Vec::new();
        let mut columns = None;
        loop {
            match self.next()? {
                Some(
                    Message::ParseComplete
                    | Message::BindComplete
                    | Message::CloseComplete
                    | Message::NoData,
                ) => {}
                Some(Message::RowDescription(described)) => columns = Some(described),
                Some(Message::DataRow(row)) => rows.push(row),
                None if !self.ended => {
                    return Ok(Command {
                        rows,
                        affected: 0,
                        unfinished: true,
                        columns,
                        rolled_back: false,
                    });
                }
                Some(Message::CommandComplete(complete)) => {
                    let tag = complete.tag().unwrap_or_default();
                    let count = tag.rsplit(' ').next().and_then(|count| count.parse().ok());
                    return Ok(Command {
                        rows,
                        affected: count.unwrap_or(0),
                        unfinished: false,
                        columns,
                        rolled_back: tag == "ROLLBACK",
                    });
                }
                _ => return Err(UNEXPECTED),
            }
        }
    }

    /// The next Describe's answer; no columns where the statement returns none.
    pub(crate) fn description(
        &mut self,
    ) -> Result<(ParameterDescriptionBody, Option<RowDescriptionBody>), Fault> {
        let parameters = loop {
            match self.next()? {
                Some(Message::ParseComplete | Message::CloseComplete) => {}
                Some(Message::ParameterDescription(body)) => break body,
                _ => return Err(UNEXPECTED),
            }
        };
        match self.next()? {
            Some(Message::RowDescription(columns)) => Ok((parameters, Some(columns))),
            Some(Message::NoData) => Ok((parameters, None)),
            _ => Err(UNEXPECTED),
        }
    }

    /// The Sync's own result. A deferred constraint or a serialization failure comes out here, after
    /// every statement has succeeded.
    pub(crate) fn committed(&mut self) -> Result<(), Fault> {
        match self.next()? {
            None => Ok(()),
            Some(_) => Err(UNEXPECTED),
        }
    }

    fn next(&mut self) -> Result<Option<Message>, Fault> {
        match self.messages.next() {
            Some(Message::ErrorResponse(body)) => {
                Err(Fault::Server(Box::new(ServerError::read(&body))))
            }
            message => Ok(message),
        }
    }
}

const UNEXPECTED: Fault = Fault::Protocol("an answer does not belong to the request");

/// The columns of a row whose results were asked for as text.
pub(crate) fn texts<const N: usize>(row: &DataRowBody) -> Option<[Option<&str>; N]> {
    let mut texts = [None; N];
    let mut ranges = row.ranges();
    for text in &mut texts {
        if let Some(range) = ranges.next().ok()?? {
            *text = Some(std::str::from_utf8(row.buffer().get(range)?).ok()?);
        }
    }
    Some(texts)
}
