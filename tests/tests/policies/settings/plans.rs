//! How PostgreSQL plans what reads a setting.

use super::{ROLE, ROWS, SOURCE, TYPED};
use crate::support::{Outcome, World};

#[tokio::test]
async fn an_index_serves_every_type_and_the_setting_is_read_once() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    let tables = TYPED.iter().map(|(table, ..)| *table);
    for table in tables.chain(["of_name"]) {
        let explain = format!("explain (costs off) select id from {table}");
        world
            .raw
            .batch_execute(&format!("begin; set local role {ROLE}"))
            .await?;
        let lines = world.raw.query(&explain, &[]).await?;
        world.raw.batch_execute("rollback").await?;
        let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        let plan = lines.join("\n");
        if table == "of_small" {
            // One value fills the table, so nothing but its statistics keeps the index away.
            continue;
        }
        assert!(plan.contains("Index Cond"), "{plan}");
        assert!(plan.contains("InitPlan"), "{plan}");
        assert!(!plan.contains("SubPlan"), "{plan}");
        // Of a row nothing is asked but what the index answers.
        assert!(!plan.contains("Filter"), "{plan}");
    }
    // What Supabase's lint 0003 looks for, in the text that the catalog gives.
    let flagged: i64 = world
        .admin
        .query_one(
            "select count(*) from pg_policies where coalesce(qual, with_check) ilike '%current_setting(%'
             and lower(coalesce(qual, with_check)) not like '%select current_setting(%'",
            &[],
        )
        .await?
        .get(0);
    assert_eq!(flagged, 0);
    world.close().await
}
