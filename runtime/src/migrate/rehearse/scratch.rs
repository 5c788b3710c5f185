//! The scratch database: on the target's server where the login may make one, else on a throw-away server.
//! Dropped whatever happens; what a killed run has left is found by its name.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tabellion_sql::ident::{quote, quote_literal};
use tabellion_sql::schema::Schema;
use tokio_postgres::Client;

use super::place::{Facts, elsewhere, with_database};
use super::{RehearseOptions, roles};
use crate::migrate::connect;
use crate::migrate::connect::NO_PATH;
use crate::migrate::error::MigrateError;
use crate::migrate::ledger::Ledger;
use crate::migrate::target::Pooler;
use crate::migrate::verify::rows;

/// How scratch databases are named, before a random number.
const PREFIX: &str = "tabellion_rehearsal_";

/// How long a destructor waits for the database to be dropped.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database that is dropped with it.
pub(in crate::migrate) struct Scratch {
    /// Where it is, and why there.
    pub(in crate::migrate) place: String,
    /// What was made for it beside it.
    pub(in crate::migrate) prepared: Vec<String>,
    url: String,
    kept: Kept,
    /// What was found of runs that were killed.
    leftovers: Vec<String>,
}

/// What keeps it, and how it goes.
enum Kept {
    Given(Given),
    #[cfg(feature = "testing")]
    ThrowAway(Box<crate::testing::TestDatabase>),
}

/// A database on the target's server.
struct Given {
    admin_url: String,
    name: String,
    /// Roles that were missing, and that the rehearsal, or a migration in it, makes.
    made: Vec<String>,
    /// All roles of the server, as they were.
    before: BTreeSet<String>,
    gone: bool,
}

impl Scratch {
    /// Makes it, with the roles that a schema expects.
    pub(in crate::migrate) async fn create(
        schema: &Schema,
        options: &RehearseOptions,
    ) -> Result<Self, MigrateError> {
        let copied = options.on_copy_of.as_deref();
        let refused = match &options.url {
            None => "no target was named".to_owned(),
            Some(_) if options.pooler != Pooler::Direct => {
                "the target is reached through a pooler".to_owned()
            }
            Some(url) => match Self::on_the_target(schema, url, copied).await? {
                Ok(scratch) => return Ok(scratch),
                Err(why) => why,
            },
        };
        if let Some(copied) = copied {
            return Err(MigrateError::Request(format!(
                "no copy of `{copied}` can be made: {refused}; name a target on its server that is reached \
                 directly, as the owner of `{copied}` with CREATEDB, or as a superuser where one owns it, while \
                 nobody is connected to it"
            )));
        }
        Self::throw_away(schema, &refused).await
    }

    /// The URL of the scratch database.
    pub(in crate::migrate) fn url(&self) -> &str {
        &self.url
    }

    /// `Err` with the reason where the login may not.
    async fn on_the_target(
        schema: &Schema,
        url: &str,
        copied: Option<&str>,
    ) -> Result<Result<Self, String>, MigrateError> {
        let target = connect::connect(url).await?;
        let facts = Facts::read(&target).await?;
        if !facts.may_create {
            return Ok(Err(format!(
                "login `{}` has no CREATEDB there",
                facts.login
            )));
        }
        let missing = roles::missing(&target, schema).await?;
        if !missing.is_empty() && !facts.may_create_roles {
            return Ok(Err(format!(
                "login `{}` has no CREATEROLE there, and role `{}` is missing",
                facts.login, missing[0].name
            )));
        }
        // What a file written by hand does to the server, such as to a role, no scratch database keeps in.
        match Ledger::read(&target).await {
            Ok(ledger) => match ledger.guard() {
                Some(guard) if copied != Some(facts.database.as_str()) => {
                    return Err(super::guarded(guard, "the named database"));
                }
                _ => {}
            },
            Err(error @ MigrateError::Connection(_)) => return Err(error),
            Err(_) => {
                return Ok(Err(format!(
                    "login `{}` cannot read whether a target guards the database there",
                    facts.login
                )));
            }
        }
        let (admin, admin_url) = if copied == Some(facts.database.as_str()) {
            // Connected to the database that is copied, nobody could copy it.
            drop(target);
            let Some(other) = elsewhere(url, &facts.database).await else {
                return Ok(Err(format!(
                    "login `{}` can connect to neither `postgres` nor `template1`, from where a copy is made",
                    facts.login
                )));
            };
            other
        } else {
            (target, url.to_owned())
        };
        let leftovers = leftovers(&admin).await?;
        let name = format!(
            "{PREFIX}{:016x}",
            RandomState::new().hash_one(std::process::id())
        );
        // Armed before the database is there: dropped here, the future may have made it already.
        let mut given = Given {
            admin_url,
            name: name.clone(),
            made: missing.iter().map(|role| role.name.clone()).collect(),
            before: roles::all(&admin).await?,
            gone: false,
        };
        let how = match copied {
            Some(copied) => format!("template {}", quote(copied)),
            None => facts.like.clone(),
        };
        // Nobody else gets in before that right is taken: a copy holds rows.
        let name_quoted = quote(&name);
        let create = format!("create database {name_quoted} {how} connection limit 0");
        if let Err(error) = admin.batch_execute(&create).await {
            given.gone = error.as_db_error().is_some();
            return match (error.code().map(|code| code.code()), copied) {
                (Some("55006"), Some(copied)) => Err(MigrateError::Held(format!(
                    "database `{copied}` is in use, and PostgreSQL copies none that is; end its sessions, or name \
                     a restored backup of it"
                ))),
                (Some("3D000"), Some(copied)) => Err(MigrateError::Request(format!(
                    "no database `{copied}` on the target's server; name one that is there"
                ))),
                (Some("42501"), _) => {
                    Ok(Err(format!("login `{}` may not do so there", facts.login)))
                }
                _ => Err(MigrateError::server(
                    "creating the scratch database",
                    &error,
                )),
            };
        }
        let close = format!(
            "revoke connect, temporary on database {name_quoted} from public;
             alter database {name_quoted} connection limit -1"
        );
        let closed = admin.batch_execute(&close).await;
        closed.map_err(|error| {
            MigrateError::server("closing the scratch database to others", &error)
        })?;
        let prepared = roles::make(&admin, &missing).await?;
        let what = match copied {
            Some(copied) => format!("a copy of `{copied}` on the target's server"),
            None => "a scratch database on the target's server".to_owned(),
        };
        Ok(Ok(Scratch {
            place: format!("rehearsed in {what}"),
            prepared,
            url: with_database(url, &name),
            kept: Kept::Given(given),
            leftovers,
        }))
    }

    #[cfg(feature = "testing")]
    async fn throw_away(schema: &Schema, why: &str) -> Result<Self, MigrateError> {
        use crate::testing::{Server, locate};
        let failed = |error: crate::testing::Error| {
            MigrateError::Request(format!(
                "there is nowhere to rehearse: {why}, and no throw-away server can be started: {error}"
            ))
        };
        let started = tokio::task::spawn_blocking(|| Server::start_from(&locate()?)).await;
        let server = started
            .map_err(|_| {
                MigrateError::Request("starting the throw-away server failed; run it again".into())
            })?
            .map_err(failed)?;
        let database = server.database().await.map_err(failed)?;
        let admin = connect::connect(database.url()).await?;
        let missing = roles::missing(&admin, schema).await?;
        let prepared = roles::make(&admin, &missing).await?;
        Ok(Scratch {
            place: format!(
                "rehearsed on a throw-away server, PostgreSQL {}: {why}",
                server.version()
            ),
            prepared,
            url: database.url().to_owned(),
            kept: Kept::ThrowAway(Box::new(database)),
            leftovers: Vec::new(),
        })
    }

    #[cfg(not(feature = "testing"))]
    async fn throw_away(_: &Schema, why: &str) -> Result<Self, MigrateError> {
        Err(MigrateError::Request(format!(
            "there is nowhere to rehearse: {why}; name a target whose login has CREATEDB, reached directly, or \
             build with tabellion's feature `testing`, which starts a throw-away server"
        )))
    }

    /// Drops it; gives what is left, with the command that removes it.
    pub(in crate::migrate) async fn remove(self) -> Vec<String> {
        let mut left = self.leftovers;
        match self.kept {
            Kept::Given(given) => left.extend(given.remove().await),
            #[cfg(feature = "testing")]
            Kept::ThrowAway(database) => {
                // The server ends with its last database.
                let _ = tokio::task::spawn_blocking(move || drop(database)).await;
            }
        }
        left
    }
}

impl Given {
    async fn remove(mut self) -> Vec<String> {
        let mut left = remove(&self.admin_url, &self.name, &self.made).await;
        // What could not be removed is told, and not tried again.
        self.gone = true;
        if let Ok(admin) = connect::connect(&self.admin_url).await
            && let Ok(mut after) = roles::all(&admin).await
        {
            // Those that could not be dropped are told already.
            after.retain(|role| !self.made.contains(role));
            left.extend(roles::changed(&self.before, &after));
        }
        left
    }
}

impl Drop for Given {
    /// Where the rehearsal was cut short: from a thread with a runtime of its own, since this one may end.
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        let (url, name, made) = (
            self.admin_url.clone(),
            self.name.clone(),
            std::mem::take(&mut self.made),
        );
        let (done, waited) = mpsc::channel();
        let dropping = std::thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                for line in runtime.block_on(remove(&url, &name, &made)) {
                    tracing::warn!("{line}");
                }
            }
            let _ = done.send(());
        });
        if dropping.is_ok() {
            let _ = waited.recv_timeout(PATIENCE);
        }
    }
}

/// Drops the database, and the roles that were missing before it.
async fn remove(admin_url: &str, name: &str, made: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let drop = format!("drop database if exists {} with (force)", quote(name));
    let dropped = async {
        let admin = connect::connect(admin_url).await.ok()?;
        creation(&admin, name).await;
        admin.batch_execute(&drop).await.ok()?;
        Some(admin)
    };
    let Some(admin) = dropped.await else {
        left.push(format!(
            "the scratch database `{name}` could not be dropped; `{drop}`"
        ));
        return left;
    };
    for role in made {
        let drop = format!("drop role if exists {}", quote(role));
        if admin.batch_execute(&drop).await.is_err() {
            left.push(format!(
                "role `{role}` was made for the rehearsal and is in use meanwhile, so it stays; `{drop}` removes it"
            ));
        }
    }
    left
}

/// Waits for its creation, which goes on where the one who asked for it has left.
async fn creation(admin: &Client, name: &str) {
    let query = format!(
        "select from pg_catalog.pg_stat_activity a where a.pid <> pg_catalog.pg_backend_pid()
           and a.state = 'active' and pg_catalog.strpos(a.query, {}) > 0",
        quote_literal(name)
    );
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end
        && let Ok(messages) = admin.simple_query(&format!("{NO_PATH}{query}")).await
        && rows(&messages).next().is_some()
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Scratch databases in which nobody is, since a rehearsal under way has a connection to its own, and roles
/// that were made for them.
async fn leftovers(client: &Client) -> Result<Vec<String>, MigrateError> {
    let query = format!(
        "select 'database', d.datname from pg_catalog.pg_database d
         where pg_catalog.starts_with(d.datname::pg_catalog.text, {prefix})
           and not exists (select from pg_catalog.pg_stat_activity a where a.datid = d.oid)
         union all
         select 'role', r.rolname from pg_catalog.pg_roles r
         where pg_catalog.shobj_description(r.oid, 'pg_authid') = {made}
           and not exists (select from pg_catalog.pg_stat_activity a
             where pg_catalog.starts_with(a.datname::pg_catalog.text, {prefix}))
         order by 1, 2",
        prefix = quote_literal(PREFIX),
        made = quote_literal(roles::MADE)
    );
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages =
        messages.map_err(|error| MigrateError::server("looking for leftovers", &error))?;
    let left = rows(&messages).filter_map(|row| Some((row.get(0)?, row.get(1)?)));
    Ok(left
        .map(|(kind, name)| {
            format!(
                "{kind} `{name}` was left by a rehearsal that was killed; `drop {kind} {}`",
                quote(name)
            )
        })
        .collect())
}
