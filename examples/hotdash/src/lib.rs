//! HotDash, a small shop dashboard: Tabellion's reference application.
//!
//! Its five tables lie in [`tables`]; `cargo build` draws up their SQL in `db/`, where the first
//! migration is sealed. [`run`] proves on a real database that they hold: it applies, fills, reads,
//! attacks, undoes and applies again, and reports each step.
//!
//! | file | job |
//! |---|---|
//! | `setup` | a server, a database, the migration, the application's login |
//! | `cast` | who plays: two shops, two users |
//! | `shops`, `users` | their rows, through every typed helper |
//! | `isolation` | one tenant at the other's rows, through the typed helpers |
//! | `refusals` | scopes and logins that are refused |
//! | `attacks` | the same and worse in raw SQL, past the typed helpers |
//! | `undo` | roll back, compare, apply again |
//! | `witness`, `raw` | the superuser's eye; the attacker's connection |
//! | `report`, `checks`, `stop` | what is printed, what holds, why it ended |

mod attacks;
mod cast;
mod checks;
mod isolation;
mod raw;
mod refusals;
mod report;
mod setup;
mod shops;
mod stop;
#[expect(
    missing_docs,
    reason = "a field's doc becomes a comment in the database, and the specification has none"
)]
pub mod tables;
mod undo;
mod users;
mod witness;

pub use report::{Report, Tally};
pub use setup::{Stage, stage};
pub use stop::Stop;
pub use undo::undo;

/// The whole story, on a server and a database of its own.
///
/// # Errors
/// What keeps the story from going on. A check that does not hold is no error: the report counts it.
pub async fn run(report: &mut Report) -> Result<(), Stop> {
    report.title("HotDash: five tables, two shops, two users, one database");
    report.section("A server, a database, the sealed migration");
    let server = setup::server(report).await?;
    let mut stage = stage(report, &server).await?;
    prove(report, &stage).await?;
    report.section("Back, and forth again");
    undo(report, &mut stage).await?;
    setup::close(report, stage, server).await
}

/// Everything that a database with the migration applied is tried for.
///
/// # Errors
/// As [`run`].
pub async fn prove(report: &mut Report, stage: &Stage) -> Result<(), Stop> {
    setup::protection(report, stage).await?;
    report.section("Rows, through the typed helpers");
    let cast = cast::load(report, stage).await?;
    shops::helpers(report, &cast).await?;
    users::helpers(report, &cast).await?;

    report.section("Neither shop nor user reaches the other's rows");
    isolation::prove(report, stage, &cast).await?;

    report.section("Whoever does not say who is asking gets nothing");
    refusals::prove(report, stage).await?;

    report.section("Raw SQL in the application's role gets no further");
    attacks::prove(report, stage).await
}
