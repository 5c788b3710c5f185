//! The thread that holds one superuser's connection and does the server's chores.
//!
//! A server outlives the runtime of any one test, and a connection does not outlive the runtime
//! that drives it: so the clerk has a thread and a runtime of its own, and can be asked from
//! asynchronous code, from plain code, and from a destructor.

use std::sync::mpsc as blocking;
use std::thread::{self, JoinHandle, ThreadId};

use tabellion_sql::ident::{quote, quote_literal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

use super::Error;

/// What a server says of itself.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// `server_version_num`, such as 150014.
    pub(super) number: u32,
    /// `server_version`, such as `15.14 (Debian 15.14-0+deb12u1)`.
    pub(super) text: String,
}

/// How to reach a server, and how to treat it.
pub(super) struct Access {
    /// The superuser's connection.
    pub(super) config: Config,
    /// Set as the superuser's password before anything else.
    pub(super) new_password: Option<String>,
    /// Which server, for error messages.
    pub(super) server: &'static str,
    /// What to do where it cannot be reached, for error messages.
    pub(super) remedy: &'static str,
    /// What the names of new databases begin with.
    pub(super) prefix: String,
}

/// A chore.
enum Job {
    /// Create one more database and put its name on the counter.
    Database,
    /// Run statements, each in a transaction of its own.
    Run {
        action: String,
        statements: Vec<String>,
        done: Box<dyn FnOnce(Result<(), Error>) + Send>,
    },
}

/// The handle on the thread. Dropping it lets the thread finish what it was asked for.
pub(super) struct Clerk {
    jobs: UnboundedSender<Job>,
    thread: JoinHandle<()>,
}

/// Where the names of new databases arrive, one for each order.
pub(super) type Counter = UnboundedReceiver<Result<String, Error>>;

impl Clerk {
    /// Starts the thread and waits until it is connected.
    pub(super) fn start(access: Access) -> Result<(Self, Counter, Version), Error> {
        let (jobs, orders) = unbounded_channel();
        let (names, counter) = unbounded_channel();
        let (report, reported) = blocking::channel();
        let thread = thread::Builder::new()
            .name("tabellion-testing".to_owned())
            .spawn(move || work(access, orders, names, &report))
            .map_err(Error::io("start a thread"))?;
        let version = reported.recv().map_err(|_| Error::Gone)??;
        Ok((Self { jobs, thread }, counter, version))
    }

    /// Orders one database; its name will be on the counter.
    pub(super) fn order_database(&self) -> Result<(), Error> {
        self.jobs.send(Job::Database).map_err(|_| Error::Gone)
    }

    /// Runs statements and hands the result to `done`, on the clerk's thread.
    /// If the clerk is gone, `done` is dropped.
    pub(super) fn run(
        &self,
        action: String,
        statements: Vec<String>,
        done: impl FnOnce(Result<(), Error>) + Send + 'static,
    ) {
        let done = Box::new(done);
        // The error hands the job back; dropping it drops `done`, which its owner notices.
        let _ = self.jobs.send(Job::Run {
            action,
            statements,
            done,
        });
    }

    /// The clerk's thread, which must never wait for itself.
    pub(super) fn thread_id(&self) -> ThreadId {
        self.thread.thread().id()
    }

    /// Waits until everything that was asked for is done.
    pub(super) fn finish(self) {
        drop(self.jobs);
        // A panic there has been printed by its own thread.
        let _ = self.thread.join();
    }
}

fn work(
    access: Access,
    mut orders: UnboundedReceiver<Job>,
    names: UnboundedSender<Result<String, Error>>,
    report: &blocking::Sender<Result<Version, Error>>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::io("start a runtime"));
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return report_end(report, Err(error)),
    };
    runtime.block_on(async {
        let mut desk = Desk {
            access,
            client: None,
            databases: 0,
        };
        let opened = desk.open().await;
        let failed = opened.is_err();
        report_end(report, opened);
        if failed {
            return;
        }
        while let Some(job) = orders.recv().await {
            match job {
                Job::Database => {
                    let made = desk.create_database().await;
                    // Nobody left to take it: the server is being dropped.
                    let _ = names.send(made);
                }
                Job::Run {
                    action,
                    statements,
                    done,
                } => done(desk.run(&action, &statements).await),
            }
        }
    });
}

/// The starter waits for this; it cannot be gone.
fn report_end(report: &blocking::Sender<Result<Version, Error>>, end: Result<Version, Error>) {
    let _ = report.send(end);
}

struct Desk {
    access: Access,
    client: Option<Client>,
    databases: u64,
}

impl Desk {
    async fn open(&mut self) -> Result<Version, Error> {
        let version = self.version().await?;
        if let Some(password) = self.access.new_password.take() {
            let user = self.access.config.get_user().unwrap_or_default();
            let statement = format!(
                "alter role {} password {}",
                quote(user),
                quote_literal(&password)
            );
            self.run("set the superuser's password", &[statement])
                .await?;
            self.access.config.password(&password);
        }
        Ok(version)
    }

    async fn version(&mut self) -> Result<Version, Error> {
        let failed = |source| Error::Sql {
            action: "read the server's version".to_owned(),
            source,
        };
        let client = self.client().await?;
        let row = client
            .query_one(
                "select current_setting('server_version_num')::int4, \
                 current_setting('server_version')",
                &[],
            )
            .await
            .map_err(failed)?;
        let number: i32 = row.try_get(0).map_err(failed)?;
        Ok(Version {
            number: number.unsigned_abs(),
            text: row.try_get(1).map_err(failed)?,
        })
    }

    async fn create_database(&mut self) -> Result<String, Error> {
        self.databases += 1;
        let name = format!("{}{}", self.access.prefix, self.databases);
        // template0 has no visitors that would block the copy, and leaves the locale free to
        // choose: `C` sorts alike everywhere. Copying files beats writing them to the log.
        let statement = format!(
            "create database {} template template0 strategy file_copy \
             encoding 'UTF8' locale 'C' locale_provider libc",
            quote(&name)
        );
        self.run("create a database", &[statement]).await?;
        Ok(name)
    }

    async fn run(&mut self, action: &str, statements: &[String]) -> Result<(), Error> {
        for statement in statements {
            let mut result = self.client().await?.batch_execute(statement).await;
            // A test may cut every connection of its server. Then the statement did nothing.
            if result.as_ref().is_err_and(was_cut) {
                self.client = None;
                result = self.client().await?.batch_execute(statement).await;
            }
            result.map_err(|source| Error::Sql {
                action: action.to_owned(),
                source,
            })?;
        }
        Ok(())
    }

    /// The open connection, or a new one where it was cut.
    async fn client(&mut self) -> Result<&Client, Error> {
        if self.client.as_ref().is_some_and(Client::is_closed) {
            self.client = None;
        }
        if self.client.is_none() {
            let (client, connection) =
                self.access
                    .config
                    .connect(NoTls)
                    .await
                    .map_err(|source| Error::Connect {
                        server: self.access.server,
                        remedy: self.access.remedy,
                        source,
                    })?;
            // Its end shows in `is_closed` and in the next statement's error.
            tokio::spawn(connection);
            self.client = Some(client);
        }
        self.client.as_ref().ok_or(Error::Gone)
    }
}

fn was_cut(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.code() == Some(&SqlState::ADMIN_SHUTDOWN)
}
