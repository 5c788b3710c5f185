//! Past row-level security: with a reason, with a login that may, and from nowhere else.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Database, Error, Scope, Table};

use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "policies_bypassed")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(kind))]
    #[policy("own", select, using = shop == scope.domain)]
    struct Task {
        #[column(primary_key)]
        id: i64,
        shop: String,
        kind: String,
    }
}

#[tokio::test]
async fn bypassing_takes_a_reason_and_a_login_that_may() -> Outcome {
    let world = World::of(SOURCE, &["policies_bypassed"]).await?;
    world
        .admin
        .batch_execute("insert into tasks values (1, 'acme', 'call'), (2, 'other', 'call')")
        .await?;
    for blank in ["", " \n"] {
        assert_eq!(world.app.bypass(blank).err(), Some(Error::NoReason));
    }

    // The application's login would be given a part of the rows, or nothing, for all.
    let bypass = world.app.bypass("a report")?;
    let refused = Task::by_kind("call").bypassing(&bypass).fetch_all().await;
    let error = refused.expect_err("it cannot");
    assert!(
        error
            .to_string()
            .contains("cannot bypass row-level security; connect with one that can"),
        "{error}"
    );

    // The superuser stands for whoever can.
    let ops = Database::connect(world.owner()).await?;
    let bypass = ops.bypass("a report")?;
    assert_eq!(
        format!("{bypass:?}"),
        "Bypass { reason: Some(\"a report\") }"
    );
    let all = Task::by_kind("call").bypassing(&bypass).fetch_all().await?;
    assert_eq!(all.len(), 2);
    // No policy allows these to the scope, and so they do not compile there.
    let new = NewTask {
        id: 3,
        shop: "third".into(),
        kind: "visit".into(),
    };
    assert_eq!(Task::insert(new).bypassing(&bypass).execute().await?, 1);
    let update = Task::update(3).set(Task::KIND, "call");
    assert_eq!(update.bypassing(&bypass).execute().await?, 1);
    let third = Task::find(3).bypassing(&bypass).fetch_optional().await?;
    assert_eq!(third.map(|task| task.kind), Some("call".into()));
    assert_eq!(Task::delete(3).bypassing(&bypass).execute().await?, 1);

    // A login that bypasses gets no scope, whatever it has asked for before.
    let scope = ops.scope(Shop {
        domain: "acme".into(),
    });
    let scoped = Task::by_kind("call").fetch_all(&scope).await;
    assert!(matches!(scoped, Err(Error::LoginBypasses { .. })));
    drop((bypass, scope));
    ops.close();
    world.close().await
}
