//! One connection, and how a statement runs on it inside a scope.
//!
//! A flight is the scope's statement, the query, and one Sync: between two Syncs the server runs
//! them as one transaction, which the Sync commits. Beside BEGIN and COMMIT as statements of their
//! own this saves two of four, and leaves fewer ends: an error skips everything after it, so a scope
//! that cannot be set keeps the query from running; after any error the server has rolled back and
//! waits outside a transaction; and the commit's own result is whether an error comes before
//! ReadyForQuery. Every parameter is encoded before the first byte is written.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fallible_iterator::FallibleIterator;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::Oid;

use super::cancel::Canceller;
use super::connect::Opened;
use super::guise::Guise;
use super::login::{self, Login};
use crate::Error;
use crate::error::Bypass;
use crate::query::{Key, Query, plain};
use crate::row::Rows;
use crate::scope::NO_ROLE;
use crate::wire::{
    Fault, Prepared, Replies, TypeInfo, Wire, bind, bind_texts, close, execute_text, known,
    look_up, parse,
};

/// How many statements a connection keeps prepared; the least recently used one goes first.
const KEPT: usize = 256;

/// A connection with what it has prepared.
pub(crate) struct Connection {
    pub(super) wire: Wire,
    canceller: Canceller,
    login: Login,
    statements: HashMap<Key, Kept>,
    scopes: Vec<ScopeStatement>,
    types: HashMap<Oid, TypeInfo>,
    /// Statements of this connection to close with the next flight that prepares one.
    stale: Vec<String>,
    /// Begins every name of this connection's statements and of no other connection's.
    prefix: String,
    /// Counts uses; also the source of statement names.
    clock: u64,
}

struct Kept {
    statement: Arc<Prepared>,
    used: u64,
}

/// What precedes a statement in its flight.
pub(super) enum Opening<'a> {
    /// The scope, for this statement alone.
    Scope,
    /// What begins a transaction, and the scope.
    Begin(&'a [String]),
    /// Inside a transaction, which has its scope.
    Nothing(&'a [String]),
}

impl Opening<'_> {
    /// Statements without parameters.
    pub(super) fn texts(&self) -> &[String] {
        match self {
            Opening::Scope => &[],
            Opening::Begin(texts) | Opening::Nothing(texts) => texts,
        }
    }
}

/// The prepared statement of one kind of scope, whose role has been looked at.
struct ScopeStatement {
    role: &'static str,
    settings: &'static [&'static str],
    name: String,
}

impl Connection {
    /// A connection over an authenticated stream, once it is known who is logged in.
    pub(super) async fn new(opened: Opened, kind: TargetSessionAttrs) -> Result<Self, Error> {
        let mut wire = Wire::new(opened.stream);
        let login = login::login(&mut wire, kind).await?;
        if let Some(why) = &login.bypass {
            tracing::warn!("login {} {why}; scoped queries will be refused", login.name);
        }
        Ok(Connection {
            wire,
            canceller: opened.canceller,
            login,
            statements: HashMap::new(),
            scopes: Vec::new(),
            types: HashMap::new(),
            stale: Vec::new(),
            prefix: prefix(),
            clock: 0,
        })
    }

    /// Whether the server is known to wait outside a transaction.
    pub(super) fn is_idle(&self) -> bool {
        self.wire.is_idle()
    }

    /// Whether it is idle and has not been closed from the other side.
    pub(super) fn is_alive(&mut self) -> bool {
        self.wire.is_alive()
    }

    /// How to stop what runs on it, if its caller went away before the answer came.
    pub(super) fn abandoned(&self) -> Option<Canceller> {
        self.wire.is_awaited().then(|| self.canceller.clone())
    }

    /// Closes the connection at once.
    pub(super) fn close(&mut self) {
        self.wire.close();
    }

    /// Runs a statement in a scope. Rows come back only once they are committed.
    pub(super) async fn run(&mut self, guise: &Guise, query: &Query) -> Result<Rows, Error> {
        self.admit(guise)?;
        let fault = match self.attempt(guise, query).await? {
            Ok(rows) => return Ok(rows),
            // The table has changed since the statement was prepared. The server noticed before it
            // ran anything, so it may be prepared and sent again.
            Err(Fault::Server(error)) if error.is_stale_statement() => {
                self.forget();
                match self.attempt(guise, query).await? {
                    Ok(rows) => return Ok(rows),
                    Err(fault) => fault,
                }
            }
            Err(fault) => fault,
        };
        Err(self.refuse(fault, guise, &query.key))
    }

    /// Whether the login may do what the scope asks of it.
    pub(super) fn admit(&self, guise: &Guise) -> Result<(), Error> {
        if let Some(why) = &self.login.bypass
            && guise.role != NO_ROLE
        {
            return Err(Error::LoginBypasses {
                login: self.login.name.clone(),
                why: why.clone(),
                role: login::quoted(guise.role),
            });
        }
        let passes = matches!(
            self.login.bypass,
            Some(Bypass::Superuser | Bypass::BypassRls)
        );
        if guise.reason().is_some() && !passes {
            return Err(Error::LoginCannotBypass {
                login: self.login.name.clone(),
            });
        }
        Ok(())
    }

    /// The error of a statement, whose connection is closed where it can no longer be relied on.
    pub(super) fn refuse(&mut self, fault: Fault, guise: &Guise, key: &Key) -> Error {
        let unreliable = match &fault {
            Fault::Server(error) => error.is_foreign_statement(),
            _ => true,
        };
        if unreliable {
            self.wire.close();
        }
        failed(fault, &self.who(guise), key, key.is_write())
    }

    /// One flight, after another one if the connection does not know scope or statement yet. The
    /// outer error is one from before the query was sent.
    async fn attempt(
        &mut self,
        guise: &Guise,
        query: &Query,
    ) -> Result<Result<Rows, Fault>, Error> {
        let statement = self.load(guise, query, 0, &Opening::Scope).await?;
        let mut replies = match self.wire.exchange().await {
            Ok(replies) => replies,
            Err(fault) => return Ok(Err(fault)),
        };
        match replies.command() {
            Ok(_) => Ok(read(replies, &query.key, statement)),
            Err(Fault::Server(error))
                if error.is_stale_statement() || error.is_foreign_statement() =>
            {
                Ok(Err(Fault::Server(error)))
            }
            Err(fault) => Err(self.scope_failed(fault, guise)),
        }
    }

    /// Prepares what is not prepared yet, and encodes the flight.
    pub(super) async fn load(
        &mut self,
        guise: &Guise,
        query: &Query,
        rows: i32,
        opening: &Opening<'_>,
    ) -> Result<Arc<Prepared>, Error> {
        // What an earlier caller encoded and then could not send is nobody's.
        self.wire.outgoing.clear();
        self.clock += 1;
        let known = self.statements.get_mut(&query.key).map(|kept| {
            kept.used = self.clock;
            kept.statement.clone()
        });
        let statement = match known {
            Some(statement) => statement,
            None => self.prepare(guise, &query.key).await?,
        };
        self.encode(guise, query, &statement, rows, opening)?;
        Ok(statement)
    }

    /// Encodes the whole flight, or nothing.
    fn encode(
        &mut self,
        guise: &Guise,
        query: &Query,
        statement: &Prepared,
        rows: i32,
        opening: &Opening<'_>,
    ) -> Result<(), Error> {
        let values = query.params.values();
        if values.len() != statement.parameters.len() {
            return Err(Error::Protocol(
                "the statement has another number of parameters than values",
            ));
        }
        for text in opening.texts() {
            execute_text(&mut self.wire.outgoing, text).map_err(too_large)?;
        }
        if !matches!(opening, Opening::Nothing(_)) {
            self.bind_scope(guise)?;
        }
        bind(&mut self.wire.outgoing, statement, values, rows).map_err(|refused| {
            self.wire.outgoing.clear();
            if query.key.is_of_cursor(refused.index) {
                return bad_cursor(&query.key);
            }
            Error::Encode {
                table: plain(query.key.table().name),
                column: query.key.parameter(refused.index),
                reason: refused.reason,
            }
        })
    }

    fn bind_scope(&mut self, guise: &Guise) -> Result<(), Error> {
        let scope = self
            .scopes
            .iter()
            .find(|scope| scope.role == guise.role && scope.settings == guise.settings)
            .ok_or(Error::Protocol("the scope was not prepared"))?;
        bind_texts(&mut self.wire.outgoing, &scope.name, guise.texts()).map_err(too_large)
    }

    /// Prepares a statement inside the scope, whose role may see schemas that the login does not, and
    /// the scope's own statement before it where the connection does not know that yet.
    async fn prepare(&mut self, guise: &Guise, key: &Key) -> Result<Arc<Prepared>, Error> {
        // First in the flight, where no error makes the server skip them.
        for name in self.stale.drain(..) {
            close(&mut self.wire.outgoing, &name).map_err(too_large)?;
        }
        let is_new = !(self.scopes.iter())
            .any(|scope| scope.role == guise.role && scope.settings == guise.settings);
        // Without a role there is none to look at.
        let asks_role = is_new && guise.role != NO_ROLE;
        if asks_role {
            login::ask_role(&mut self.wire, guise.role)?;
        }
        if is_new {
            let name = format!("{}scope{}", self.prefix, self.clock);
            parse(&mut self.wire.outgoing, &name, &guise.sql(), false).map_err(too_large)?;
            self.scopes.push(ScopeStatement {
                role: guise.role,
                settings: guise.settings,
                name,
            });
        }
        self.bind_scope(guise)?;
        if self.statements.len() >= KEPT {
            self.drop_oldest();
        }
        let name = format!("{}statement{}", self.prefix, self.clock);
        parse(&mut self.wire.outgoing, &name, &key.sql(), true).map_err(too_large)?;

        let described = match self.wire.exchange().await {
            Ok(mut replies) => self.read_prepared(guise, key, asks_role, &mut replies),
            Err(fault) => Err(failed(fault, &self.who(guise), key, false)),
        };
        let (parameters, columns) = described.inspect_err(|_| {
            if is_new {
                // What became of the scope's statement is not worth finding out.
                self.wire.close();
            }
        })?;
        self.learn_types(parameters.iter().chain(&columns)).await?;
        let types = |oids: &[Oid]| {
            let all = oids.iter().map(|oid| known(*oid, &self.types));
            all.collect::<Option<Vec<_>>>()
                .ok_or(Error::Protocol("the catalog does not know a type"))
        };
        let statement = Arc::new(Prepared {
            parameters: types(&parameters)?,
            columns: types(&columns)?,
            name,
        });
        let kept = Kept {
            statement: statement.clone(),
            used: self.clock,
        };
        self.statements.insert(key.clone(), kept);
        Ok(statement)
    }

    /// The types of a prepared statement's parameters and columns.
    fn read_prepared(
        &self,
        guise: &Guise,
        key: &Key,
        asks_role: bool,
        replies: &mut Replies,
    ) -> Result<(Vec<Oid>, Vec<Oid>), Error> {
        if asks_role {
            login::answer_role(replies, guise.role, &self.login)?;
        }
        replies
            .command()
            .map_err(|fault| self.scope_failed(fault, guise))?;
        describe(replies).map_err(|fault| failed(fault, &self.who(guise), key, false))
    }

    /// Whom the server judges, quoted as SQL: the scope's role, or the login where there is none.
    pub(super) fn who(&self, guise: &Guise) -> String {
        match guise.role {
            NO_ROLE => self.login.name.clone(),
            role => login::quoted(role),
        }
    }

    /// The scope's statement was refused. A membership may have been granted without SET
    /// (PostgreSQL 16), which shows only here.
    pub(super) fn scope_failed(&self, fault: Fault, guise: &Guise) -> Error {
        match fault {
            Fault::Server(error) if error.is_foreign_statement() => Error::TransactionPooler,
            Fault::Server(error) if error.code == "42501" => Error::RoleNotGranted {
                login: self.login.name.clone(),
                role: login::quoted(guise.role),
            },
            Fault::Server(error) => Error::Scope(error),
            fault => fault.into(),
        }
    }

    /// Looks up the types that are not built in, all of a statement's in one round trip.
    async fn learn_types(&mut self, oids: impl Iterator<Item = &Oid>) -> Result<(), Error> {
        let unknown: Vec<_> = oids
            .filter(|oid| known(**oid, &self.types).is_none())
            .map(Oid::to_string)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = look_up(&mut self.wire, &unknown).await;
        self.types.extend(found.map_err(Error::from)?);
        Ok(())
    }

    fn drop_oldest(&mut self) {
        let oldest = self.statements.iter().min_by_key(|(_, kept)| kept.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone())
            && let Some(kept) = self.statements.remove(&key)
        {
            self.stale.push(kept.statement.name.clone());
        }
    }

    /// Prepares everything anew from here on. The names are never used again.
    pub(super) fn forget(&mut self) {
        let statements = self.statements.drain();
        self.stale
            .extend(statements.map(|(_, kept)| kept.statement.name.clone()));
        let scopes = self.scopes.drain(..);
        self.stale.extend(scopes.map(|scope| scope.name));
    }
}

/// The rows, if everything up to the commit succeeded.
pub(super) fn read(
    mut replies: Replies,
    key: &Key,
    statement: Arc<Prepared>,
) -> Result<Rows, Fault> {
    let answer = replies.command()?;
    replies.committed()?;
    Ok(Rows {
        table: key.table(),
        statement,
        bodies: answer.rows,
        affected: answer.affected,
    })
}

/// The types of the parameters and of the columns, as the server names them.
fn describe(replies: &mut Replies) -> Result<(Vec<Oid>, Vec<Oid>), Fault> {
    let (parameters, columns) = replies.description()?;
    let parameters = parameters.parameters().collect();
    let columns = match columns {
        Some(columns) => columns.fields().map(|field| Ok(field.type_oid())).collect(),
        None => Ok(Vec::new()),
    };
    replies.committed()?;
    match (parameters, columns) {
        (Ok(parameters), Ok(columns)) => Ok((parameters, columns)),
        _ => Err(Fault::Protocol("a description does not parse")),
    }
}

/// The error of a flight; `wrote` says that it held a write. A write's outcome is known only by what
/// came before ReadyForQuery.
fn failed(fault: Fault, who: &str, key: &Key, wrote: bool) -> Error {
    match fault {
        Fault::Server(error) if key.has_cursor() && error.is_bad_parameter() => bad_cursor(key),
        Fault::Server(error) => {
            let table = plain(key.table().name);
            error.classify(&table, who, key.operation())
        }
        _ if wrote => Error::Disconnected {
            unknown_outcome: true,
        },
        fault => fault.into(),
    }
}

/// A cursor's value that is none of its column's. Everything else was encoded for its type.
fn bad_cursor(key: &Key) -> Error {
    Error::Cursor {
        table: plain(key.table().name),
        reason: "it holds a value that its column cannot have",
    }
}

/// A prefix that no other connection of any process has.
///
/// A pooler may hand each transaction to another server connection, on which another client has
/// prepared its own statements. Were the names a plain sequence, a flight could meet a statement of
/// the same name and run that.
fn prefix() -> String {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    // The hasher's keys are random; the process is in it for one that was forked off.
    let unique = (std::process::id(), connection);
    let (high, low) = (RandomState::new(), RandomState::new());
    let (high, low) = (high.hash_one(unique), low.hash_one(unique));
    format!("tabellion_{high:016x}{low:016x}_")
}

fn too_large(_: std::io::Error) -> Error {
    Error::Protocol("a statement does not fit into a message")
}
