//! The proof can fail: it goes red for each policy, FORCE or REVOKE that is missing or too wide.

use std::error::Error;
use std::io;

use hotdash::{Report, Stage, Tally};
use tabellion::testing::Server;
use tokio::task::LocalSet;
use tokio_postgres::{Client, NoTls};

type Outcome = Result<(), Box<dyn Error>>;

/// How many databases are tried at a time.
const AT_A_TIME: usize = 4;

/// A stage in good order, and the superuser's connection to it.
async fn built() -> Result<(Stage, Client), Box<dyn Error>> {
    let mut report = Report::new(io::sink(), false);
    let stage = hotdash::stage(&mut report, Server::shared()?).await?;
    let (client, connection) = tokio_postgres::connect(stage.database.url(), NoTls).await?;
    tokio::spawn(connection);
    Ok((stage, client))
}

/// What the proof says of a database after something was done to it.
async fn proof_after(sabotage: &str) -> Result<Tally, Box<dyn Error>> {
    let (stage, client) = built().await?;
    client
        .batch_execute(sabotage)
        .await
        .map_err(|error| format!("`{sabotage}`: {error}"))?;
    let mut report = Report::new(io::sink(), false);
    // A step that cannot be done is in the tally.
    let _ = hotdash::prove(&mut report, &stage).await;
    Ok(report.tally().clone())
}

/// Whether the proof noticed: it stopped, or a check of the table that was meddled with failed.
fn is_red(tally: &Tally, sabotage: &str) -> bool {
    let meant = |sentence: &String| {
        TABLES
            .iter()
            .any(|table| sabotage.contains(table) && sentence.contains(table))
    };
    tally.stopped.is_some() || tally.failed.iter().any(meant)
}

/// Tries each, some at a time, and names those that the proof did not notice.
async fn unnoticed(sabotages: Vec<String>) -> Result<Vec<String>, Box<dyn Error>> {
    let local = LocalSet::new();
    let queue = std::rc::Rc::new(std::cell::RefCell::new(sabotages));
    let workers: Vec<_> = (0..AT_A_TIME)
        .map(|_| {
            let queue = queue.clone();
            local.spawn_local(async move {
                let mut green = Vec::new();
                loop {
                    let next = queue.borrow_mut().pop();
                    let Some(sabotage) = next else { break };
                    match proof_after(&sabotage).await {
                        Ok(tally) if is_red(&tally, &sabotage) => {}
                        Ok(_) => green.push(sabotage),
                        Err(error) => return Err(error.to_string()),
                    }
                }
                Ok(green)
            })
        })
        .collect();
    local.await;
    let mut green = Vec::new();
    for worker in workers {
        green.extend(worker.await??);
    }
    Ok(green)
}

/// One row of `pg_policies`.
struct Policy {
    /// ` "name" on table`
    on: String,
    command: String,
    /// The predicate, whichever of the two there is.
    predicate: String,
}

async fn policies() -> Result<Vec<Policy>, Box<dyn Error>> {
    let (_stage, client) = built().await?;
    let rows = client
        .query(
            "select format('%I on %I.%I', policyname, schemaname, tablename), cmd, coalesce(qual, with_check)
             from pg_policies order by 1",
            &[],
        )
        .await?;
    let read = rows.iter().map(|row| {
        Ok::<_, tokio_postgres::Error>(Policy {
            on: row.try_get(0)?,
            command: row.try_get(1)?,
            predicate: row.try_get(2)?,
        })
    });
    let policies = read.collect::<Result<Vec<_>, _>>()?;
    assert_eq!(policies.len(), 2 + 2 + 3 * 4);
    Ok(policies)
}

const TABLES: [&str; 5] = [
    "inventory_actions",
    "notifications",
    "sales_pulse_actions",
    "social_posts",
    "user_preferences",
];

#[tokio::test]
async fn an_untouched_database_is_proven() -> Outcome {
    let (mut stage, _client) = built().await?;
    let mut report = Report::new(io::sink(), false);
    hotdash::prove(&mut report, &stage).await?;
    hotdash::undo(&mut report, &mut stage).await?;
    assert_eq!(report.tally().failed, [""; 0]);
    assert!(report.tally().checks > 500, "{}", report.tally().checks);
    assert!(report.finish()?);
    Ok(())
}

#[tokio::test]
async fn a_missing_policy_is_noticed() -> Outcome {
    let policies = policies().await?;
    let dropped = policies
        .iter()
        .map(|policy| format!("drop policy {}", policy.on));
    assert_eq!(unnoticed(dropped.collect()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_policy_that_lets_everything_through_is_noticed() -> Outcome {
    let mut opened = Vec::new();
    for Policy { on, command, .. } in policies().await? {
        if command != "INSERT" {
            opened.push(format!("alter policy {on} using (true)"));
        }
        if command == "INSERT" || command == "UPDATE" {
            opened.push(format!("alter policy {on} with check (true)"));
        }
    }
    assert_eq!(opened.len(), 16 + 3);
    assert_eq!(unnoticed(opened).await?, [""; 0]);
    Ok(())
}

/// The older form of the predicate, which an empty setting satisfies for rows of an empty tenant.
#[tokio::test]
async fn a_policy_that_takes_an_empty_setting_is_noticed() -> Outcome {
    let mut forgetful = Vec::new();
    for Policy {
        on,
        command,
        predicate,
    } in policies().await?
    {
        let (equal, rest) = predicate
            .rsplit_once(" AND ")
            .ok_or("a predicate of one part")?;
        assert!(rest.contains("> ''"), "{predicate}");
        let equal = format!("{equal})");
        forgetful.push(match command.as_str() {
            "INSERT" => format!("alter policy {on} with check {equal}"),
            "UPDATE" => format!("alter policy {on} using {equal} with check {equal}"),
            _ => format!("alter policy {on} using {equal}"),
        });
    }
    assert_eq!(unnoticed(forgetful).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_not_protected_is_noticed() -> Outcome {
    let unprotected = TABLES.iter().flat_map(|table| {
        [
            format!("alter table {table} disable row level security"),
            format!("alter table {table} no force row level security"),
            format!("create policy second on {table} for select to hotdash_app using (true)"),
        ]
    });
    assert_eq!(unnoticed(unprotected.collect()).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_privilege_too_many_is_noticed() -> Outcome {
    let mut granted = Vec::new();
    for table in TABLES {
        granted.push(format!("grant truncate on {table} to hotdash_app"));
        granted.push(format!("grant select on {table} to public"));
        if table != "user_preferences" {
            granted.push(format!(
                "grant update on sequence {table}_id_seq to hotdash_app"
            ));
            granted.push(format!(
                "grant select on sequence {table}_id_seq to hotdash_app"
            ));
        }
    }
    for table in ["sales_pulse_actions", "inventory_actions"] {
        granted.push(format!("grant update on {table} to hotdash_app"));
        granted.push(format!("grant delete on {table} to hotdash_app"));
    }
    assert_eq!(unnoticed(granted).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_failed_check_says_what_was_expected_and_found() -> Outcome {
    let opened = "alter policy \"Users can view own shop sales actions\" on sales_pulse_actions using (true)";
    let tally = proof_after(opened).await?;
    let told = "sales_pulse_actions: rows by the other's finder: expected 0, found 3";
    assert!(
        tally.failed.iter().any(|sentence| sentence == told),
        "{:?}",
        tally.failed
    );
    Ok(())
}

#[tokio::test]
async fn something_left_behind_by_the_rollback_is_noticed() -> Outcome {
    let (mut stage, client) = built().await?;
    client
        .batch_execute("create table left_over (id int)")
        .await?;
    let mut report = Report::new(io::sink(), false);
    let _ = hotdash::undo(&mut report, &mut stage).await;
    let told = "the catalog after the rollback: expected as before, found table `public.left_over` is not expected";
    let failed = &report.tally().failed;
    assert!(failed.iter().any(|sentence| sentence == told), "{failed:?}");
    Ok(())
}
