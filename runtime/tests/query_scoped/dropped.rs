//! Thousands of operations of many tenants over few direct connections, dropped at random points: no scope is left
//! behind, and nobody sees or writes another's row.

use std::time::Duration;

use tabellion::{Database, Error, Table};

use crate::cancel::abandon;
use crate::pooled::next;
use crate::support::*;

const TENANTS: u64 = 8;
const CONNECTIONS: usize = 3;
const OPERATIONS: u64 = 400;

/// What a tenant does next, with how many of its own rows it saw.
async fn operation(db: &Database, number: u64, dice: u64) -> Result<usize, Error> {
    let domain = format!("shop {number}");
    let other = format!("shop {}", (number + 1) % TENANTS);
    let own = shop(db, &domain);
    let new = |what: &str, n: u64| {
        let body = format!("{domain}: {what} {dice} {n}");
        Note::insert(note(&domain)).set(Note::BODY, body)
    };
    match dice % 10 {
        0 => {
            new("one", 0).execute(&own).await?;
        }
        1 => {
            let many = (0..40).map(|n| new("many", n));
            assert_eq!(Note::insert_many(many).execute(&own).await?, 40);
        }
        2 => {
            let forged = Note::insert(note(&other)).execute(&own).await;
            assert!(
                matches!(forged, Err(Error::RowRefused { .. })),
                "{forged:?}"
            );
        }
        3 => {
            let work = own.transaction(async |tx| {
                new("kept", 0).execute(tx).await?;
                let undone = tx.savepoint(async |tx| {
                    new("undone", 0).execute(tx).await?;
                    Err::<(), _>(Error::Closed)
                });
                assert_eq!(undone.await, Err(Error::Closed));
                Note::by_shop(&other).count(tx).await
            });
            assert_eq!(work.await?, 0);
        }
        4 => {
            // Whoever comes after another scope sees nothing of its setting.
            let id = i64::try_from(dice >> 8).unwrap_or(0);
            let user = db.scope(User { id });
            let new = NewPreference { user_id: id };
            let leak = Preference::insert(new).fetch_one(&user).await?.leak;
            assert!(leak.as_deref().unwrap_or_default().is_empty(), "{leak:?}");
        }
        5 => {
            let mut rows = Note::by_shop(&domain).stream(&own).await?;
            let mut seen = 0;
            while let Some(row) = rows.try_next().await? {
                assert_eq!(row.shop, domain);
                seen += 1;
                if seen as u64 == 50 + dice % 100 {
                    break;
                }
            }
            return Ok(seen);
        }
        _ => {
            // The index's own column is not asked for: what comes is what the policy lets through.
            let found = Note::unindexed("whoever is let through")
                .limit(30)
                .fetch_all(&own)
                .await?;
            assert!(found.iter().all(|note| note.shop == domain), "{domain}");
            return Ok(found.len());
        }
    }
    Ok(0)
}

/// How many of a tenant's operations were dropped, and how many rows it saw.
async fn tenant(db: Database, number: u64) -> Result<(u64, usize), Error> {
    let mut state = 0x5eed + number;
    let (mut dropped, mut seen) = (0, 0);
    for _ in 0..OPERATIONS {
        let work = operation(&db, number, next(&mut state));
        let dice = next(&mut state);
        let done = match dice % 4 {
            0 => abandon(work, (dice >> 8) as usize % 9 + 1).await,
            1 => {
                let wait = Duration::from_micros((dice >> 8) % 3_000);
                tokio::time::timeout(wait, work).await.ok()
            }
            _ => Some(work.await),
        };
        match done {
            Some(done) => seen += done?,
            None => dropped += 1,
        }
    }
    Ok((dropped, seen))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_operations_that_are_dropped() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(CONNECTIONS).await?;
    let rows = "insert into notes (shop, kind, body) \
                select 'shop ' || n % 8, 'call', 'shop ' || n % 8 || ': ' || n from generate_series(1, 1600) n";
    fixture.admin.batch_execute(rows).await?;
    let tasks = (0..TENANTS).map(|number| tokio::spawn(tenant(db.clone(), number)));
    let (mut dropped, mut seen) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        let (more, rows) = task.await??;
        dropped += more;
        seen += rows;
    }
    assert!(dropped > 400, "{dropped} operations were dropped");
    assert!(seen > 20_000, "{seen} rows were seen");
    assert_eq!(fixture.lasting_transactions().await?, 0);
    // Each row was written by whom it belongs to, wholly or not at all.
    let wrong =
        "notes where starts_with(body, shop || ': ') is not true or body like '%: undone %'";
    assert_eq!(fixture.count(wrong).await?, 0);
    let parts = "(select from notes where body like '%: many %' \
                 group by split_part(body, ' ', 4) having count(*) <> 40) parts";
    assert_eq!(fixture.count(parts).await?, 0);
    Ok(())
}
