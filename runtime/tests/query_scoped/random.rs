//! Random transactions beside a model of what they are to keep.

use tabellion::{Error, Scoped, Table, Transaction};

use crate::pgbouncer::PgBouncer;
use crate::savepoints::{add, unprepared};
use crate::support::*;

/// What a random transaction does. Errors are hidden, as work may do.
#[derive(Debug, Clone)]
enum Act {
    Add(i32),
    /// Reads and locks the rows that are there.
    Lock,
    Refused,
    Unprepared,
    Inside(Vec<Act>, End),
}

#[derive(Debug, Clone, Copy)]
enum End {
    Kept,
    Failed,
    Dropped,
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }

    fn acts(&mut self, depth: u64) -> Vec<Act> {
        (0..self.below(5)).map(|_| self.act(depth)).collect()
    }

    fn act(&mut self, depth: u64) -> Act {
        match self.below(8 + 4 * u64::from(depth < 4)) {
            0 => Act::Refused,
            1 => Act::Unprepared,
            2 => Act::Lock,
            3..8 => Act::Add(i32::try_from(self.below(900)).expect("it is small")),
            _ => {
                let end = [End::Kept, End::Kept, End::Failed, End::Dropped];
                let end = end[usize::try_from(self.below(4)).expect("it is small")];
                Act::Inside(self.acts(depth + 1), end)
            }
        }
    }
}

/// What is to be kept of them, or nothing because one failed.
fn kept(acts: &[Act]) -> Option<Vec<i32>> {
    let mut all = Vec::new();
    for act in acts {
        match act {
            Act::Add(amount) => all.push(*amount),
            Act::Lock => {}
            Act::Refused | Act::Unprepared => return None,
            Act::Inside(acts, End::Kept) => all.extend(kept(acts).unwrap_or_default()),
            Act::Inside(_, End::Failed | End::Dropped) => {}
        }
    }
    Some(all)
}

async fn perform(tx: &Transaction<Shop>, acts: &[Act]) {
    for act in acts {
        match act {
            Act::Add(amount) => drop(add(tx, *amount).await),
            Act::Lock => drop(Note::by_shop("acme").for_update().fetch_all(tx).await),
            Act::Refused => drop(Note::insert(note("other")).execute(tx).await),
            Act::Unprepared => drop(unprepared(tx).await),
            Act::Inside(acts, end) => {
                let (done, is_done) = tokio::sync::oneshot::channel::<()>();
                let inside = tx.savepoint(async |tx| {
                    Box::pin(perform(tx, acts)).await;
                    match end {
                        End::Kept => Ok(()),
                        End::Failed => Err(Error::NoReason),
                        End::Dropped => {
                            drop(done);
                            std::future::pending().await
                        }
                    }
                });
                tokio::select! {
                    _ = inside => {}
                    _ = is_done, if matches!(end, End::Dropped) => {}
                }
            }
        }
    }
}

/// Runs so many on a scope for each, and compares what they keep.
async fn all(fixture: &Fixture, number: u64, scope: impl AsyncFn() -> Scope) -> Outcome {
    let (mut committed, mut refused) = (0, 0);
    for seed in 0..number {
        let acts = Dice(seed).acts(0);
        let outcome = scope()
            .await?
            .transaction(async |tx| {
                perform(tx, &acts).await;
                Ok::<_, Error>(())
            })
            .await;
        let expected = kept(&acts);
        assert_eq!(
            outcome.is_ok(),
            expected.is_some(),
            "{seed}: {acts:?}: {outcome:?}"
        );
        match expected {
            Some(_) => committed += 1,
            None => refused += 1,
        }
        let sql = "with gone as (delete from notes returning amount, id) \
                   select coalesce(array_agg(amount order by id), '{}') from gone";
        let found: Vec<i32> = fixture.admin.query_one(sql, &[]).await?.try_get(0)?;
        assert_eq!(found, expected.unwrap_or_default(), "{seed}: {acts:?}");
    }
    assert!(
        committed > number / 3 && refused > number / 6,
        "{committed} and {refused}"
    );
    Ok(())
}

type Scope = Result<Scoped<Shop>, Error>;

#[tokio::test]
async fn random_transactions_keep_what_they_should() -> Outcome {
    let fixture = Fixture::new().await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    all(&fixture, 300, async || Ok(acme.clone())).await
}

/// Where each statement is prepared first, with what precedes it.
#[tokio::test]
async fn random_transactions_on_connections_of_their_own_do_too() -> Outcome {
    let fixture = Fixture::new().await?;
    let new = async || Ok(shop(&fixture.connect(1).await?, "acme"));
    all(&fixture, 100, new).await
}

/// Where nothing is prepared, and each finds another session.
#[tokio::test]
async fn random_transactions_behind_a_pooler_do_too() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let db = pool(&format!("{}&pooler=transaction", pooler.url), 1).await?;
    let acme = shop(&db, "acme");
    all(&fixture, 150, async || Ok(acme.clone())).await
}
