//! What a connection has prepared, and the encoding of a flight from it.
//!
//! Statements are prepared under names, once. Behind a pooler that gives each transaction another session names are
//! not where they were made: there a flight parses what it holds anew, under no name, and only the types of
//! parameters and columns are kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fallible_iterator::FallibleIterator;
use tokio_postgres::types::Oid;

use super::{Connection, Learnt, bad_cursor, failed, raw, too_large};
use crate::Error;
use crate::database::guise::Guise;
use crate::database::login;
use crate::query::{Key, Query, plain};
use crate::scope::NO_ROLE;
use crate::wire::{
    Fault, Prepared, Replies, TypeInfo, Unnamed, bind, bind_texts, close, execute_text, known,
    look_up, parse, parse_typed,
};

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
        let statement = match known.filter(|_| is_scoped) {
            Some(statement) => statement,
            None => self.prepare(guise, &query.key, opening).await?,
        };
        self.encode(guise, query, &statement, opening)?;
        Ok(statement)
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

    /// Prepares a statement inside the scope, whose role may see schemas that the login does not, and
    /// the scope's own statement before it where the connection does not know that yet.
    ///
    /// An error fails the transaction that the statement is part of. So what precedes the statement there leaves with
    /// it: the savepoint that is to take the error back has to stand by then.
    ///
    /// Nothing counts as known before the server has answered that it is: what was encoded may never leave.
    async fn prepare(
        &mut self,
        guise: &Guise,
        key: &Key,
        opening: &mut Opening<'_>,
    ) -> Result<Arc<Prepared>, Error> {
        raw::check(key, guise, &self.login)?;
        if self.statements.known.len() >= KEPT {
            self.drop_oldest();
        }
        let new_scope = (!self.knows_scope(guise)).then(|| ScopeStatement {
            role: guise.role,
            settings: guise.settings,
            is_limited: guise.limit().is_some(),
            name: self.name("scope"),
        });
        // Without a role there is none to look at.
        let asks_role = new_scope.is_some() && guise.role != NO_ROLE;
        let (name, sql) = (self.name("statement"), key.sql());
        self.encode_prepare(guise, opening, new_scope.as_ref(), (&name, &sql))?;

        let described = match self.wire.exchange().await {
            Ok(mut replies) => {
                // They were closed first.
                self.statements.stale.clear();
                self.read_prepared(guise, key, opening, asks_role, &mut replies)
            }
            Err(fault) => Err(failed(fault, &self.who(guise), key, false)),
        };
        let Described {
            parameters,
            columns,
            names,
        } = described.inspect_err(|_| {
            if self.wire.is_within() && !self.wire.is_failed() {
                // What is refused here and not by the server must not go on there.
                self.wire.close();
            }
            if let Some(scope) = &new_scope {
                // What became of its statement is not worth finding out.
                self.statements.close(scope.name.clone());
            }
        })?;
        self.statements.scopes.extend(new_scope);
        self.learn_types(parameters.iter().chain(&columns)).await?;
        let types = |oids: &[Oid]| {
            let all = oids.iter().map(|oid| known(*oid, &self.statements.types));
            all.collect::<Option<Vec<_>>>()
                .ok_or(Error::Protocol("the catalog does not know a type"))
        };
        let mut statement = Prepared {
            parameters: types(&parameters)?,
            columns: types(&columns)?,
            order: None,
            name,
            unnamed: None,
        };
        if let Err(fault) = raw::arrange(key, &names, &mut statement) {
            self.statements.close(statement.name);
            return Err(fault);
        }
        if !self.statements.are_named {
            statement.unnamed = Some(Unnamed {
                sql,
                parameters,
                columns,
                names: key.row().map(|_| names),
            });
        }
        let statement = Arc::new(statement);
        let kept = Kept {
            statement: statement.clone(),
            used: self.statements.clock,
        };
        if let Some(old) = self.statements.known.insert(key.clone(), kept) {
            self.statements.close(old.statement.name.clone());
        }
        Ok(statement)
    }

    /// Encodes the flight that prepares a statement of that name and text, and a new scope's.
    fn encode_prepare(
        &mut self,
        guise: &Guise,
        opening: &Opening<'_>,
        new_scope: Option<&ScopeStatement>,
        (name, sql): (&str, &str),
    ) -> Result<(), Error> {
        // First in the flight, where no error makes the server skip them.
        for name in &self.statements.stale {
            close(&mut self.wire.outgoing, name).map_err(too_large)?;
        }
        if let Opening::Begin(begin, _) = opening {
            execute_text(&mut self.wire.outgoing, begin).map_err(too_large)?;
        }
        if let Some(scope) = new_scope {
            if guise.role != NO_ROLE {
                login::ask_role(&mut self.wire, guise.role)?;
            }
            if self.statements.are_named {
                parse(&mut self.wire.outgoing, &scope.name, &guise.sql(), false)
                    .map_err(too_large)?;
            }
            self.bind_scope(guise, &scope.name)?;
        } else if let Some(scope) = self.scope_name(guise) {
            self.bind_scope(guise, &scope)?;
        }
        for text in opening.texts() {
            execute_text(&mut self.wire.outgoing, text).map_err(too_large)?;
        }
        parse(&mut self.wire.outgoing, name, sql, true).map_err(too_large)
    }

    /// The types of a prepared statement's parameters and columns.
    fn read_prepared(
        &self,
        guise: &Guise,
        key: &Key,
        opening: &mut Opening<'_>,
        asks_role: bool,
        replies: &mut Replies,
    ) -> Result<Described, Error> {
        let refused = |fault| failed(fault, &self.who(guise), key, false);
        if let Opening::Begin(..) = opening {
            replies.command().map_err(refused)?;
        }
        if asks_role {
            login::answer_role(replies, guise.role, &self.login)?;
        }
        replies
            .command()
            .map_err(|fault| self.scope_failed(fault, guise))?;
        for _ in opening.texts() {
            replies.command().map_err(refused)?;
        }
        // All of it stands; only the statement may still be refused.
        opening.sent();
        describe(replies).map_err(refused)
    }

    /// Looks up the types that are not built in, all of a statement's in one round trip.
    async fn learn_types(&mut self, oids: impl Iterator<Item = &Oid>) -> Result<(), Error> {
        let unknown: Vec<_> = oids
            .filter(|oid| known(**oid, &self.statements.types).is_none())
            .map(Oid::to_string)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = look_up(&mut self.wire, &unknown).await;
        self.statements.types.extend(found.map_err(Error::from)?);
        Ok(())
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

/// The types of the parameters and of the columns, and the columns' names, as the server has them.
struct Described {
    parameters: Vec<Oid>,
    columns: Vec<Oid>,
    names: Vec<String>,
}

fn describe(replies: &mut Replies) -> Result<Described, Fault> {
    let (parameters, columns) = replies.description()?;
    let mut described = Described {
        parameters: (parameters.parameters().collect()).map_err(|_| UNREADABLE)?,
        columns: Vec::new(),
        names: Vec::new(),
    };
    if let Some(columns) = columns {
        let mut fields = columns.fields();
        while let Some(field) = fields.next().map_err(|_| UNREADABLE)? {
            described.columns.push(field.type_oid());
            described.names.push(field.name().to_owned());
        }
    }
    replies.committed()?;
    Ok(described)
}

const UNREADABLE: Fault = Fault::Protocol("a description does not parse");
