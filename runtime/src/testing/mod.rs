//! A throw-away PostgreSQL for tests and demonstrations (feature `testing`).
//!
//! ```no_run
//! use tabellion::testing::Server;
//!
//! # async fn a_test() -> Result<(), tabellion::testing::Error> {
//! let server = Server::shared()?; // one for the whole test binary
//! let database = server.database().await?; // one for each test
//! let owner = database.url(); // the superuser's: apply migrations with it
//! # Ok(())
//! # }
//! ```
//!
//! | file | job |
//! |---|---|
//! | `server` | [`Server`]: `DATABASE_URL`'s or a throw-away one |
//! | `database` | [`TestDatabase`]: a fresh database, logins for it |
//! | `clerk` | the thread with the superuser's connection |
//! | `locate` | [`locate()`]: finds the programs |
//! | `plans` | [`finder_plans()`], [`locked_finder_plans()`]: how the server reads along each finder of a table |
//! | `template` | `initdb`, once for each version, kept in this user's cache folder |
//! | `cluster` | one server process: copy, start, wait until ready, stop |
//! | `supervisor.sh` | ends the server when this process ends, however it does |
//! | `settings` | `postgresql.conf` and `pg_hba.conf` |
//! | `account`, `folder`, `secret`, `url` | who it runs as, where it lies, passwords, URLs |

#[cfg(unix)]
mod account;
mod clerk;
#[cfg(unix)]
mod cluster;
mod database;
mod error;
#[cfg(unix)]
mod folder;
mod locate;
mod plans;
mod secret;
mod server;
#[cfg(unix)]
mod settings;
#[cfg(unix)]
mod template;
mod url;

pub use self::database::TestDatabase;
pub use self::error::Error;
pub use self::locate::{Installation, OLDEST, locate};
pub use self::plans::{FinderPlan, PlanFault, finder_plans, locked_finder_plans};
pub use self::server::Server;
