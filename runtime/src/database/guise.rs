//! A scope as the executor sees it: without its Rust type.

use tracing::Instrument;

use std::sync::Arc;
use std::time::Duration;

use super::bulk::Next;
use super::pool::Lease;
use super::{Database, Pinned, trace};
use crate::Error;
use crate::query::{Key, Query};
use crate::row::Rows;

/// A role and the texts of its settings, and the database they are for.
pub(crate) struct Guise {
    database: Database,
    pub(super) role: &'static str,
    pub(super) settings: &'static [&'static str],
    values: Vec<Option<String>>,
    /// How long a statement may take, in milliseconds, where the server's own setting is not to say.
    pub(super) limit: Option<String>,
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
            limit: database.statement_timeout.map(milliseconds),
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
            limit: self.limit.clone(),
            reason: self.reason.clone(),
            pinned: Some(pinned.clone()),
            ..*self
        }
    }

    /// The same with that limit on the time of a statement.
    pub(crate) fn limited(&self, limit: Duration) -> Self {
        Guise {
            database: self.database.clone(),
            values: self.values.clone(),
            limit: Some(milliseconds(limit)),
            reason: self.reason.clone(),
            pinned: self.pinned.clone(),
            ..*self
        }
    }

    /// How long a statement may take, in milliseconds.
    pub(crate) fn limit(&self) -> Option<&str> {
        self.limit.as_deref()
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
        let span = trace::query(&query.key);
        let outcome = async {
            if let Some(pinned) = &self.pinned {
                return pinned.run(self, &query).await;
            }
            let mut connection = self.lease(&query.key).await?;
            connection.run(self, &query).await
        }
        .instrument(span.clone())
        .await;
        trace::ended(&span, outcome.as_ref().map(|rows| rows.affected));
        outcome
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
        let span = trace::query(&first.key);
        let outcome = async {
            if let Some(pinned) = &self.pinned {
                return pinned.run_all(self, &first, next).await;
            }
            let mut connection = self.lease(&first.key).await?;
            connection.run_all(self, first, next).await
        }
        .instrument(span.clone())
        .await;
        let count = |all: &Vec<Rows>| all.iter().map(|rows| rows.affected).sum();
        trace::ended(&span, outcome.as_ref().map(count));
        outcome
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
        if self.role.contains('\0') {
            return Err(Error::InvalidScope { setting: "role" });
        }
        if self.settings.iter().any(|setting| setting.contains('\0')) {
            let setting = "settings";
            return Err(Error::InvalidScope { setting });
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
        let values = values.map(|value| value.as_deref().unwrap_or_default());
        (std::iter::once(self.role).chain(values)).chain(self.limit())
    }

    /// The statement that takes the scope on until the end of its transaction.
    pub(super) fn sql(&self) -> String {
        scope_sql(self.settings, self.limit.is_some())
    }
}

/// The statement that takes a scope on until the end of its transaction: role and settings in
/// one, every value bound. `set_config` needs no privilege of the role that it has just set.
///
/// It also asks for one plan per statement. A finder's index gives its rows and their order
/// whatever the values are, yet the server would plan anew each time for a tenant of many rows,
/// since it takes a bound limit for a tenth of them.
pub(crate) fn scope_sql(settings: &[&str], limited: bool) -> String {
    let mut sql = String::from("select pg_catalog.set_config('role', $1, true)");
    for (setting, n) in settings.iter().zip(2..) {
        let setting = tabellion_sql::ident::quote_literal(setting);
        sql.push_str(&format!(", pg_catalog.set_config({setting}, ${n}, true)"));
    }
    if limited {
        let n = settings.len() + 2;
        sql.push_str(&format!(
            ", pg_catalog.set_config('statement_timeout', ${n}, true)"
        ));
    }
    sql.push_str(", pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)");
    sql
}

/// As the setting has it: at least 1, since 0 is no limit.
fn milliseconds(limit: Duration) -> String {
    let most = i32::MAX.unsigned_abs().into();
    limit.as_millis().clamp(1, most).to_string()
}
