//! Proving row-level security: the tests that a build draws from the structs, run in a scratch database, and run
//! again with each protection taken away, one at a time, which they must notice.
//!
//! | file | job |
//! |---|---|
//! | `suite` | the tests below a root, and what makes the tables that they are for |
//! | `mutants.sql` | every protection that the catalog holds, with the statement that takes it away |

mod suite;

use tabellion_sql::ident::quote_literal;
use tabellion_sql::schema::{LOOKUP, Schema};
use tokio_postgres::Client;

use super::apply::ApplyOptions;
use super::connect::{NO_PATH, connect};
use super::engine::Migrator;
use super::error::MigrateError;
use super::rehearse::RehearseOptions;
use super::rehearse::scratch::Scratch;
use super::rehearse::stubs;
use super::verify::rows;

pub use suite::RlsTests;
use suite::Source;

const MUTANTS: &str = include_str!("mutants.sql");

/// What came of the tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RlsTested {
    /// Where, and why there.
    pub place: String,
    /// What was made for the scratch database beside it.
    pub prepared: Vec<String>,
    /// What the tables were made by: the sealed migrations, or `schema.sql` where a draft is not sealed.
    pub made_by: &'static str,
    /// How many proofs passed.
    pub passed: usize,
    /// The first one that did not, in the words of the tests.
    pub failure: Option<String>,
    /// Each protection that was taken away; none where that was not asked for, or the tests fail as it is.
    pub mutants: Vec<Mutant>,
    /// What is left of the scratch database, with the command that removes it.
    pub leftovers: Vec<String>,
}

impl RlsTested {
    /// Whether the tests passed, and noticed each protection that was missing.
    pub fn is_clean(&self) -> bool {
        self.failure.is_none() && self.survivors().next().is_none()
    }

    /// How many of the missing protections were noticed, in per cent, rounded down; `None` where none was taken away.
    pub fn score(&self) -> Option<usize> {
        let all = self.mutants.len();
        (100 * (all - self.survivors().count())).checked_div(all)
    }

    /// The protections whose absence the tests did not notice.
    pub fn survivors(&self) -> impl Iterator<Item = &Mutant> {
        self.mutants
            .iter()
            .filter(|mutant| mutant.noticed.is_none())
    }
}

/// A protection that was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mutant {
    /// `policy`, `using`, `with check`, `enable`, `force`, `revoke` or `guard` (against an empty text or setting, of
    /// the form that a text must have to be a value, of the type of a claim, of the texts of an enumeration), or
    /// `function` (what one that looks memberships up asks, as whom, and along which path).
    pub kind: String,
    /// Which one.
    pub what: String,
    /// What the tests said; `None` where they passed.
    pub noticed: Option<String>,
}

/// What the tests tell while they run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Testing<'a> {
    /// The scratch database is there: where, and why there.
    Prepared(&'a str),
    /// So many proofs passed, or the first that did not.
    Tested(Result<usize, &'a str>),
    /// A protection is taken away: which one, the how manieth, of how many.
    Without(&'a Mutant, usize, usize),
    /// The tests ran without it, and noticed that or did not: which one, the how manieth, of how many.
    Tried(&'a Mutant, usize, usize),
}

/// Runs the tests in a scratch database, which is dropped whatever comes of it; with `mutate` once more for each
/// policy, USING, WITH CHECK, ENABLE, FORCE, privilege that is not granted, and guard against an empty text or one that
/// is no value, at each place where there is one, without that.
///
/// Where this future is dropped before its end, so is the scratch database. The login of the scratch database must
/// bypass row-level security, as a superuser does.
///
/// # Errors
/// A scratch database that cannot be had, migrations that fail there, and those of the connection and the server. A
/// test that fails, and a protection whose absence none notices, are findings.
pub async fn test_rls(
    tests: &RlsTests,
    options: &RehearseOptions,
    mutate: bool,
    observe: &mut (dyn FnMut(Testing<'_>) + Send),
) -> Result<RlsTested, MigrateError> {
    let mut scratch = Scratch::create(tests.schema(), options).await?;
    let place = scratch.place.replacen("rehearsed", "tested", 1);
    observe(Testing::Prepared(&place));
    let mut tested = RlsTested {
        place: place.clone(),
        prepared: std::mem::take(&mut scratch.prepared),
        made_by: tests.source.words(),
        ..RlsTested::default()
    };
    let ran = run(tests, scratch.url(), mutate, &mut tested, observe).await;
    tested.leftovers = scratch.remove().await;
    if ran.is_err() {
        // With the error they would go unsaid.
        for line in &tested.leftovers {
            tracing::warn!("{line}");
        }
    }
    ran.map(|()| tested)
}

async fn run(
    tests: &RlsTests,
    url: &str,
    mutate: bool,
    tested: &mut RlsTested,
    observe: &mut (dyn FnMut(Testing<'_>) + Send),
) -> Result<(), MigrateError> {
    let client = connect(url).await?;
    let stubs = stubs::make(&client, tests.schema()).await?;
    tested.prepared.extend(stubs);
    match &tests.source {
        Source::Sealed(set) => {
            let mut engine = Migrator::connect(url).await?;
            engine.apply(set, &ApplyOptions::default()).await?;
        }
        Source::Drawn { sql, .. } => {
            let made = client
                .batch_execute(&format!("begin;\n{sql}\ncommit"))
                .await;
            made.map_err(|error| {
                MigrateError::server("making the tables of `schema.sql`", &error)
            })?;
        }
    }
    match suite(url, None, &tests.text).await? {
        Ok(passed) => tested.passed = passed,
        Err(failure) => tested.failure = Some(failure),
    }
    observe(Testing::Tested(match &tested.failure {
        None => Ok(tested.passed),
        Some(failure) => Err(failure),
    }));
    if !mutate || tested.failure.is_some() {
        return Ok(());
    }
    let mutants = mutants(&client, tests.schema()).await?;
    let all = mutants.len();
    for (
        number,
        Without {
            mut mutant,
            statement,
            table,
        },
    ) in (1..).zip(mutants)
    {
        observe(Testing::Without(&mutant, number, all));
        // What a part of the tests notices, all of them do.
        let of_it = about(&tests.text, &table);
        mutant.noticed = suite(url, Some(&statement), &of_it).await?.err();
        if mutant.noticed.is_none() {
            mutant.noticed = suite(url, Some(&statement), &tests.text).await?.err();
        }
        observe(Testing::Tried(&mutant, number, all));
        tested.mutants.push(mutant);
    }
    Ok(())
}

/// Runs the tests in a session of its own, in which nothing was ever said about who asks, after a statement that
/// goes when they do. How many proofs passed, or what the first said that did not.
async fn suite(
    url: &str,
    before: Option<&str>,
    tests: &str,
) -> Result<Result<usize, String>, MigrateError> {
    let client = connect(url).await?;
    if let Some(statement) = before {
        // The tests begin no transaction where one has begun, and end with a rollback.
        let done = client.batch_execute(&format!("begin; {statement}")).await;
        done.map_err(|error| MigrateError::server("taking a protection away", &error))?;
    }
    match client.simple_query(tests).await {
        Ok(messages) => {
            let said = rows(&messages).filter_map(|row| row.get(0));
            Ok(Ok(said.filter(|line| line.starts_with("ok - ")).count()))
        }
        Err(error) => match error.as_db_error() {
            Some(db) if db.code().code() == "P0001" => Ok(Err(db.message().to_owned())),
            _ => Err(MigrateError::server("running `rls_tests.sql`", &error)),
        },
    }
}

/// The tests without what they prove of other tables than this one, and of the roles; what takes no time is proven
/// first.
fn about(tests: &str, table: &str) -> String {
    let is_quick = |line: &&str| {
        let mut starts = QUICK.iter();
        line.ends_with(") t;") && starts.any(|start| line.starts_with(start))
    };
    let mut quick: Vec<&str> = tests.lines().filter(is_quick).collect();
    quick.sort_unstable();
    let lines = tests.lines().map(|line| match line {
        PREPARED => format!(
            "{PREPARED}\nupdate pg_temp.rls_table set asked = name = {};\n{}",
            quote_literal(table),
            quick.join("\n")
        ),
        line if is_quick(&line) => String::new(),
        line if line.starts_with("select pg_temp.prove_roles") => String::new(),
        line => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The line of the tests after which they prove.
const PREPARED: &str = "select pg_temp.prepare();";

/// How the lines of the tests begin that look into the catalog.
const QUICK: [&str; 2] = [
    "select pg_temp.prove_catalog(",
    "select pg_temp.prove_policies(",
];

/// What is taken away, how, and whose it is.
struct Without {
    mutant: Mutant,
    statement: String,
    table: String,
}

/// Every protection of the schema's tables, each with the statement that takes it away.
async fn mutants(client: &Client, schema: &Schema) -> Result<Vec<Without>, MigrateError> {
    let list = |names: Vec<String>| {
        let names: Vec<String> = names.iter().map(|name| quote_literal(name)).collect();
        format!("array[{}]::text[]", names.join(", "))
    };
    let tables = list(schema.tables.keys().map(ToString::to_string).collect());
    let roles = list(schema.roles.keys().cloned().collect());
    let query = MUTANTS
        .replace("{tables}", &tables)
        .replace("{roles}", &roles)
        .replace("{lookup}", &quote_literal(LOOKUP));
    let messages = client.simple_query(&format!("{NO_PATH}{query}")).await;
    let messages =
        messages.map_err(|error| MigrateError::server("listing the protections", &error))?;
    let text =
        |row: &tokio_postgres::SimpleQueryRow, index| row.get(index).unwrap_or_default().to_owned();
    let all = rows(&messages).map(|row| Without {
        mutant: Mutant {
            kind: text(row, 0),
            what: text(row, 1),
            noticed: None,
        },
        statement: text(row, 2),
        table: text(row, 3),
    });
    Ok(all.collect())
}
