//! Policies that let a scope write some columns only.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Bypass, Column, Error, Scope, Table};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Platform, Type};

use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "columns_shop")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(shop))]
    #[policy("read", select, using = shop == scope.domain)]
    #[policy("add", insert, check = shop == scope.domain, columns(shop, title))]
    #[policy("tick", update, using = shop == scope.domain, check = shop == scope.domain, columns(done))]
    struct Task {
        #[column(primary_key, serial)]
        id: i64,
        shop: String,
        title: String,
        #[column(default = false)]
        done: bool,
        #[column(version)]
        version: i32,
    }
}

const ROLES: [&str; 1] = ["columns_shop"];

fn shop() -> Shop {
    Shop {
        domain: "acme".into(),
    }
}

#[tokio::test]
async fn a_scope_writes_the_columns_of_its_policies_and_no_others() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let acme = world.app.scope(shop());
    let new = || NewTask {
        shop: "acme".into(),
        title: "sweep".into(),
    };
    let task = Task::insert(new()).fetch_one(&acme).await?;
    assert_eq!(
        Task::update(task.id)
            .set(Task::DONE, true)
            .execute(&acme)
            .await?,
        1
    );
    let task = Task::find(task.id).fetch_one(&acme).await?;
    assert_eq!((task.done, task.version), (true, 1));
    // What may not be changed compiles for nobody; by a column of one's own the server refuses it.
    let title: Column<Task, String> = Column::new("title");
    let refused = Task::update(task.id)
        .set(title, "other")
        .execute(&acme)
        .await;
    assert!(
        matches!(refused, Err(Error::Privilege { .. })),
        "{refused:?}"
    );
    let refused = Task::insert(new())
        .set(Task::DONE, true)
        .execute(&acme)
        .await;
    assert!(
        matches!(refused, Err(Error::Privilege { .. })),
        "{refused:?}"
    );
    for statement in [
        "update tasks set title = 'other'",
        "update tasks set shop = 'other'",
        "insert into tasks (id, shop, title) values (9, 'acme', 'x')",
    ] {
        let sql =
            format!("begin; set local role columns_shop; set local app.shop = 'acme'; {statement}");
        let error = world.raw.batch_execute(&sql).await.expect_err(statement);
        let code = error.code().expect("the server's").code();
        assert_eq!(code, "42501", "{statement}");
        world.raw.batch_execute("rollback").await?;
    }
    drop(acme);
    world.close().await
}

#[tokio::test]
async fn a_bypass_changes_what_no_policy_does() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let acme = world.app.scope(shop());
    let new = NewTask {
        shop: "acme".into(),
        title: "sweep".into(),
    };
    let task = Task::insert(new).fetch_one(&acme).await?;
    let owner = tabellion::Database::connect(world.owner()).await?;
    let bypass: Bypass = owner.bypass("a shop was renamed")?;
    let moved = Task::update(task.id)
        .set(Task::SHOP, "other")
        .set(Task::TITLE, "theirs");
    assert_eq!(moved.bypassing(&bypass).execute().await?, 1);
    assert_eq!(Task::by_shop("acme").count(&acme).await?, 0);
    drop((acme, bypass));
    owner.close();
    world.close().await
}

#[tokio::test]
async fn the_drawn_tests_know_the_columns() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let scope = ProofScope {
        role: "columns_shop".into(),
        settings: vec![ProofSetting {
            name: "app.shop".into(),
            claim: None,
            ty: Type::Text,
            texts: Vec::new(),
        }],
    };
    let proof = rls_tests(
        &crate::common::schema(SOURCE, Platform::Postgres)?,
        &[scope],
    );
    world.admin.batch_execute(&proof).await?;
    for (change, back, missed) in [
        (
            "grant update on tasks to columns_shop",
            "revoke update on tasks from columns_shop; grant update (done, version) on tasks to columns_shop",
            "UPDATE",
        ),
        (
            "grant update (title) on tasks to columns_shop",
            "revoke update (title) on tasks from columns_shop",
            "UPDATE",
        ),
        (
            "revoke insert (title) on tasks from columns_shop",
            "grant insert (title) on tasks to columns_shop",
            "INSERT",
        ),
    ] {
        world.admin.batch_execute(change).await?;
        let noticed = world.admin.batch_execute(&proof).await.expect_err(change);
        let said = noticed.as_db_error().expect("the server's").message();
        assert!(
            said.starts_with(&format!("public.tasks: {missed}")) && said.contains("columns_shop"),
            "{change}: {said}"
        );
        world.admin.batch_execute("rollback").await?;
        world.admin.batch_execute(back).await?;
    }
    world.admin.batch_execute(&proof).await?;
    world.close().await
}
