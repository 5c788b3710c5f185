//! Preparing a statement, and the scope's own before it where a connection does not know that yet.

use std::sync::Arc;

use fallible_iterator::FallibleIterator;
use tokio_postgres::types::{Oid, Type};

use super::{Connection, KEPT, Kept, Opening, ScopeStatement, failed, raw, too_large};
use crate::Error;
use crate::database::guise::Guise;
use crate::database::login;
use crate::query::Key;
use crate::scope::NO_ROLE;
use crate::wire::{Fault, Prepared, Replies, Unnamed, close, execute_text, known, look_up, parse};

impl Connection {
    /// Prepares a statement inside the scope, whose role may see schemas that the login does not, and
    /// the scope's own statement before it where the connection does not know that yet.
    ///
    /// An error fails the transaction that the statement is part of. So what precedes the statement there leaves with
    /// it: the savepoint that is to take the error back has to stand by then.
    ///
    /// Nothing counts as known before the server has answered that it is: what was encoded may never leave.
    pub(super) async fn prepare(
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
            // What became of their statements is not worth finding out.
            if let Some(scope) = &new_scope {
                self.statements.close(scope.name.clone());
            }
            self.statements.close(name.clone());
        })?;
        self.statements.scopes.extend(new_scope);
        let learnt = self.learn_types(parameters.iter().chain(&columns)).await;
        let typed = learnt.and_then(|()| {
            let mut statement = Prepared {
                parameters: self.types(&parameters)?,
                columns: self.types(&columns)?,
                order: None,
                name: name.clone(),
                unnamed: None,
            };
            raw::arrange(key, &names, &mut statement)?;
            Ok(statement)
        });
        let mut statement = typed.inspect_err(|_| self.statements.close(name))?;
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

    fn types(&self, oids: &[Oid]) -> Result<Vec<Type>, Error> {
        let all = oids.iter().map(|oid| known(*oid, &self.statements.types));
        all.collect::<Option<Vec<_>>>()
            .ok_or(Error::Protocol("the catalog does not know a type"))
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
