//! What a connection has prepared, and the encoding of a flight from it.
//!
//! Statements are prepared under names, once. Behind a pooler that gives each transaction another session names are
//! not where they were made: there a flight parses what it holds anew, under no name, and only the types of
//! parameters and columns are kept.

mod prepare;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_postgres::types::Oid;

use super::{Connection, Learnt, bad_cursor, failed, raw, too_large};
use crate::Error;
use crate::database::guise::Guise;
use crate::query::{Key, Query, plain};
use crate::wire::{Prepared, TypeInfo, bind, bind_texts, execute_text, parse, parse_typed};

/// How many statements a connection keeps prepared; the least recently used one goes first.
const KEPT: usize = 256;

/// What a connection knows of statements.
pub(super) struct Statements {
    known: HashMap<Key, Kept>,
    scopes: Vec<ScopeStatement>,
    types: HashMap<Oid, TypeInfo>,
    /// Statements of this connection to close with the next flight that prepares one.
    stale: Vec<String>,
    /// Begins every name of this connection's statements and of no other connection's.
    prefix: String,
    /// Counts uses; also the source of statement names.
    clock: u64,
    /// Whether statements have names that the next flight may use.
    pub(super) are_named: bool,
    /// Which of the changes that the pool has learnt of they were prepared after.
    changes: usize,
}

struct Kept {
    statement: Arc<Prepared>,
    used: u64,
}

/// What precedes a statement in its flight.
pub(in crate::database) enum Opening<'a> {
    /// The scope, for this statement alone.
    Scope,
    /// What begins a transaction, the scope, and savepoints behind it: a rollback to one takes back what was set since.
    Begin(&'a str, &'a mut Vec<String>),
    /// Inside a transaction, which has its scope: savepoints and what ends them.
    Within(&'a mut Vec<String>),
}

impl Opening<'_> {
    /// Statements without parameters between scope and statement.
    pub(in crate::database) fn texts(&self) -> &[String] {
        match self {
            Opening::Scope => &[],
            Opening::Begin(_, texts) | Opening::Within(texts) => texts,
        }
    }

    /// What is still to precede the statement once all this was sent.
    fn sent(&mut self) {
        if let Opening::Begin(_, texts) | Opening::Within(texts) =
            std::mem::replace(self, Opening::Scope)
        {
            texts.clear();
            *self = Opening::Within(texts);
        }
    }
}

/// The prepared statement of one kind of scope, whose role has been looked at.
struct ScopeStatement {
    role: &'static str,
    settings: &'static [&'static str],
    is_limited: bool,
    name: String,
}

impl ScopeStatement {
    fn is_of(&self, guise: &Guise) -> bool {
        self.role == guise.role
            && self.settings == guise.settings
            && self.is_limited == guise.limit().is_some()
    }
}

impl Statements {
    pub(super) fn new(prefix: String, learnt: &Learnt) -> Self {
        Statements {
            known: HashMap::new(),
            scopes: Vec::new(),
            types: HashMap::new(),
            stale: Vec::new(),
            prefix,
            clock: 0,
            are_named: !learnt.pooled.load(Ordering::Relaxed),
            changes: learnt.changes.load(Ordering::Relaxed),
        }
    }

    /// Closes a statement with the next flight that prepares one. One without a name is none that is kept.
    fn close(&mut self, name: String) {
        if !name.is_empty() {
            self.stale.push(name);
        }
    }
}

impl Connection {
    /// Prepares what is not prepared yet, and encodes the flight.
    pub(in crate::database) async fn load(
        &mut self,
        guise: &Guise,
        query: &Query,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<Prepared>, Error> {
        if self.statements.are_named && self.is_pooled() {
            self.stop_naming();
        }
        self.keep_up();
        // What an earlier caller encoded and then could not send is nobody's.
        self.wire.outgoing.clear();
        self.statements.clock += 1;
        let clock = self.statements.clock;
        // Inside a transaction the scope stands already. Otherwise a statement that another scope has prepared waits for
        // this one's role to be looked at.
        let is_scoped = matches!(opening, Opening::Within(_)) || self.knows_scope(guise);
        let known = self.statements.known.get_mut(&query.key).map(|kept| {
            kept.used = clock;
            kept.statement.clone()
        });
        let was_known = known.is_some();
        let statement = match known.filter(|_| is_scoped) {
            Some(statement) => statement,
            None => self.prepare(guise, &query.key, opening).await?,
        };
        let encoded = self.encode(guise, query, &statement, opening);
        if encoded.is_err() && was_known {
            // The types that refuse a value may be those of an earlier table, and the server is not asked.
            self.forget_statement(&query.key);
        }
        encoded.map(|()| statement)
    }

    /// Encodes the whole flight, or nothing.
    fn encode(
        &mut self,
        guise: &Guise,
        query: &Query,
        statement: &Prepared,
        opening: &Opening<'_>,
    ) -> Result<(), Error> {
        let values = query.params.values();
        if values.len() != statement.parameters.len() {
            return Err(raw::another_number(&query.key, statement, values.len()));
        }
        if let Opening::Begin(begin, _) = opening {
            execute_text(&mut self.wire.outgoing, begin).map_err(too_large)?;
        }
        if !matches!(opening, Opening::Within(_)) {
            let scope = self.scope_name(guise);
            let scope = scope.ok_or(Error::Protocol("the scope was not prepared"))?;
            self.bind_scope(guise, &scope)?;
        }
        for text in opening.texts() {
            execute_text(&mut self.wire.outgoing, text).map_err(too_large)?;
        }
        if let Some(unnamed) = &statement.unnamed {
            let (sql, types) = (&unnamed.sql, &unnamed.parameters);
            parse_typed(&mut self.wire.outgoing, sql, types).map_err(too_large)?;
        }
        bind(&mut self.wire.outgoing, statement, values).map_err(|refused| {
            self.wire.outgoing.clear();
            if query.key.is_of_cursor(refused.index) {
                return bad_cursor(&query.key, Some(refused.index));
            }
            if query.key.raw().is_some() {
                return raw::unfit(refused);
            }
            Error::Encode {
                table: plain(query.key.table().name),
                column: query.key.parameter(refused.index),
                reason: refused.reason,
            }
        })
    }

    fn knows_scope(&self, guise: &Guise) -> bool {
        self.scope_name(guise).is_some()
    }

    fn scope_name(&self, guise: &Guise) -> Option<String> {
        let mut scopes = self.statements.scopes.iter();
        let scope = scopes.find(|scope| scope.is_of(guise));
        scope.map(|scope| scope.name.clone())
    }

    fn bind_scope(&mut self, guise: &Guise, name: &str) -> Result<(), Error> {
        if !self.statements.are_named {
            parse(&mut self.wire.outgoing, "", &guise.sql(), false).map_err(too_large)?;
        }
        bind_texts(&mut self.wire.outgoing, name, guise.texts()).map_err(too_large)
    }

    fn drop_oldest(&mut self) {
        let oldest = self
            .statements
            .known
            .iter()
            .min_by_key(|(_, kept)| kept.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone())
            && let Some(kept) = self.statements.known.remove(&key)
        {
            self.statements.close(kept.statement.name.clone());
        }
    }

    fn name(&self, what: &str) -> String {
        match self.statements.are_named {
            true => format!("{}{what}{}", self.statements.prefix, self.statements.clock),
            false => String::new(),
        }
    }

    /// Names nothing from here on: the server's session is another one from transaction to transaction.
    fn stop_naming(&mut self) {
        self.forget();
        self.statements.stale.clear();
        self.statements.are_named = false;
    }

    /// A table has changed since statements were prepared. Every connection of the pool prepares its own anew, so that
    /// no other transaction fails for what is known.
    pub(in crate::database) fn outdate(&mut self) {
        let (known, relaxed) = (self.statements.changes, Ordering::Relaxed);
        let changes = &self.learnt.changes;
        // Where another connection has said so meanwhile, that is this change as well.
        let _ = changes.compare_exchange(known, known.wrapping_add(1), relaxed, relaxed);
        self.keep_up();
    }

    /// Prepares everything anew where the pool has learnt of a change.
    fn keep_up(&mut self) {
        let changes = self.learnt.changes.load(Ordering::Relaxed);
        if changes != self.statements.changes {
            self.statements.changes = changes;
            self.forget();
        }
    }

    /// Prepares a statement anew from here on, and looks its types up again.
    pub(in crate::database) fn forget_statement(&mut self, key: &Key) {
        self.statements.types.clear();
        if let Some(kept) = self.statements.known.remove(key) {
            self.statements.close(kept.statement.name.clone());
        }
    }

    /// Prepares everything anew from here on. The names are never used again.
    pub(super) fn forget(&mut self) {
        let statements = std::mem::take(&mut self.statements.known).into_values();
        let scopes = std::mem::take(&mut self.statements.scopes);
        let names = statements.map(|kept| kept.statement.name.clone());
        for name in names.chain(scopes.into_iter().map(|scope| scope.name)) {
            self.statements.close(name);
        }
    }
}
