//! A scope as the executor sees it: without its Rust type.

use tracing::Instrument;

use std::sync::Arc;

use super::bulk::Next;
use super::pool::Lease;
use super::{Database, Pinned};
use crate::Error;
use crate::query::{Key, Query};
use crate::row::Rows;

/// A role and the texts of its settings, and the database they are for.
pub(crate) struct Guise {
    database: Database,
    pub(super) role: &'static str,
    pub(super) settings: &'static [&'static str],
    values: Vec<Option<String>>,
    /// Why row-level security is bypassed, where it is.
    reason: Option<String>,
    /// The transaction that its statements are part of; none where each is one of its own.
    pinned: Option<Arc<Pinned>>,
}

impl Guise {
    pub(crate) fn new(
        database: Database,
        role: &'static str,
        settings: &'static [&'static str],
        values: Vec<Option<String>>,
    ) -> Self {
        Guise {
            database,
            role,
            settings,
            values,
            reason: None,
            pinned: None,
        }
    }

    /// The same for the statements of one transaction.
    pub(crate) fn pinned_to(&self, pinned: &Arc<Pinned>) -> Self {
        Guise {
            database: self.database.clone(),
            values: self.values.clone(),
            reason: self.reason.clone(),
            pinned: Some(pinned.clone()),
            ..*self
        }
    }

    /// The transaction that its statements are part of.
    pub(crate) fn pinned(&self) -> Option<&Arc<Pinned>> {
        self.pinned.as_ref()
    }

    /// The same for a login that passes by row-level security.
    pub(crate) fn bypassing(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// Why row-level security is bypassed, where it is.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Runs a statement in this scope: its own transaction, one round trip once the connection knows
    /// the statement.
    ///
    /// # Errors
    /// See [`Error`]. On any error nothing was written, but for a lost connection, where the error
    /// says that nobody knows.
    pub(crate) async fn run(&self, query: Query) -> Result<Rows, Error> {
        let span = tracing::debug_span!(
            "tabellion.query",
            table = query.key.table().name,
            operation = query.key.operation()
        );
        async {
            if let Some(pinned) = &self.pinned {
                return pinned.run(self, &query).await;
            }
            let mut connection = self.lease(&query.key).await?;
            connection.run(self, &query).await
        }
        .instrument(span)
        .await
    }

    /// Runs statements of one form, all of them or none, in one transaction and one flight; inside a transaction
    /// one after the other.
    ///
    /// # Errors
    /// As [`Guise::run`], and what the next statement could not be made for.
    pub(crate) async fn run_all(
        &self,
        first: Query,
        next: &mut Next<'_>,
    ) -> Result<Vec<Rows>, Error> {
        let span = tracing::debug_span!(
            "tabellion.query",
            table = first.key.table().name,
            operation = first.key.operation()
        );
        async {
            if let Some(pinned) = &self.pinned {
                let mut all = vec![pinned.run(self, &first).await?];
                while let Some(query) = next()? {
                    all.push(pinned.run(self, &query).await?);
                }
                return Ok(all);
            }
            let mut connection = self.lease(&first.key).await?;
            connection.run_all(self, first, next).await
        }
        .instrument(span)
        .await
    }

    /// A connection for a statement, once the scope is known to be sound.
    pub(super) async fn lease(&self, key: &Key) -> Result<Lease, Error> {
        self.check()?;
        self.note(key);
        self.database.lease().await
    }

    /// Leaves a trace of a statement past row-level security.
    pub(super) fn note(&self, key: &Key) {
        if let Some(reason) = self.reason() {
            let (table, operation) = (key.table().name, key.operation());
            tracing::info!(reason, table, operation, "past row-level security");
        }
    }

    /// An empty setting is what an unset one looks like on a used connection, so a policy that
    /// forgets the difference would let it see the rows of nobody, or of everybody.
    fn check(&self) -> Result<(), Error> {
        if self.values.len() != self.settings.len() {
            return Err(Error::Protocol(
                "a scope has another number of values than of settings",
            ));
        }
        for (setting, value) in self.settings.iter().zip(&self.values) {
            let Some(value) = value else {
                continue; // said to be absent, and not forgotten
            };
            let blank = |c: char| c.is_whitespace() || c.is_control();
            if value.chars().all(blank) {
                return Err(Error::EmptyScope { setting });
            }
            if value.contains('\0') {
                return Err(Error::InvalidScope { setting });
            }
        }
        Ok(())
    }

    /// The parameters of [`Guise::sql`]. What is absent is set all the same, so that no earlier value of
    /// the session stands for it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let values = self.values.iter();
        std::iter::once(self.role).chain(values.map(|value| value.as_deref().unwrap_or_default()))
    }

    /// The statement that takes the scope on until the end of its transaction.
    pub(super) fn sql(&self) -> String {
        scope_sql(self.settings)
    }
}

/// The statement that takes a scope on until the end of its transaction: role and settings in
/// one, every value bound. `set_config` needs no privilege of the role that it has just set.
///
/// It also asks for one plan per statement. A finder's index gives its rows and their order
/// whatever the values are, yet the server would plan anew each time for a tenant of many rows,
/// since it takes a bound limit for a tenth of them.
pub(crate) fn scope_sql(settings: &[&str]) -> String {
    let mut sql = String::from("select pg_catalog.set_config('role', $1, true)");
    for (setting, n) in settings.iter().zip(2..) {
        let setting = tabellion_sql::ident::quote_literal(setting);
        sql.push_str(&format!(", pg_catalog.set_config({setting}, ${n}, true)"));
    }
    sql.push_str(", pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)");
    sql
}
