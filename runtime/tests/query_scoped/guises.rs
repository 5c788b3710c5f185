//! One statement under several scopes, on one connection.

#![allow(dead_code)] // Rows are written and counted, not read.

use std::time::Duration;

use tabellion::{Error, Scope, Scoped, Table, each};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

/// The notes, for which a user's scope has policies too.
#[derive(Debug, Table)]
#[table(name = "notes", scope = Shop)]
#[index(name = "notes_by_shop", columns(shop, amount desc, id), finder = "by_shop")]
#[policy("select of a user", select, using = shop == "of users", scope = User)]
#[policy("insert of a user", insert, check = shop == "of users", scope = User)]
#[tenant(shop = scope.domain)]
struct Shared {
    #[column(primary_key, serial)]
    id: i32,
    shop: String,
    #[column(default = 7)]
    amount: i32,
    kind: String,
}

/// Every kind of statement, each of which a connection prepares once.
async fn every_kind<S: Scope>(scope: &Scoped<S>) -> Result<(), Error>
where
    Shared: tabellion::AllowsSelect<S> + tabellion::AllowsInsert<S>,
{
    Shared::by_shop("acme").limit(20).fetch_all(scope).await?;
    Shared::find(1).fetch_optional(scope).await?;
    each([Shared::by_shop("acme")]).fetch_all(scope).await?;
    let mut rows = Shared::by_shop("acme").stream(scope).await?;
    while rows.try_next().await?.is_some() {}
    let row = NewShared {
        shop: "acme".into(),
        kind: "call".into(),
    };
    // What is refused was asked under this scope.
    match Shared::insert(row).execute(scope).await {
        Ok(1) | Err(Error::RowRefused { .. }) => {}
        other => panic!("{other:?}"),
    }
    scope
        .transaction(async |tx| Shared::by_shop("acme").limit(20).fetch_all(tx).await)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_statement_that_one_scope_prepared_runs_under_every_other() -> Outcome {
    let fixture = Fixture::new().await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let announced = format!("{}&pooler=transaction", pooler.url);
    for url in [fixture.url.clone(), announced] {
        let db = pool(&url, 1).await?;
        let acme = shop(&db, "acme");
        let user = db.scope(User { id: 3 });
        for _ in 0..2 {
            every_kind(&acme).await?;
            every_kind(&acme.statement_timeout(Duration::from_secs(20))).await?;
            every_kind(&user).await?;
        }
        let seen = Shared::by_shop("acme").count(&acme).await?;
        assert!(seen > 3, "{seen}");
        assert_eq!(Shared::by_shop("acme").count(&user).await?, 0);
        db.close();
    }
    Ok(())
}

/// A first statement alone tells a connection the scope that is new to it.
#[tokio::test]
async fn a_transaction_begins_with_what_another_scope_prepared() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Note::insert(note("acme")).execute(&acme).await?;
    let short = acme.statement_timeout(Duration::from_secs(20));
    let seen = short
        .transaction(async |tx| {
            Note::insert(note("acme")).execute(tx).await?;
            Note::by_shop("acme").count(tx).await
        })
        .await?;
    assert_eq!(seen, 2);
    Ok(())
}

#[derive(Scope)]
#[scope(role = "query_turncoat")]
struct Turncoat {
    #[setting("app.current_shop")]
    domain: String,
}

#[derive(Debug, Table)]
#[table(name = "notes", scope = Turncoat)]
#[index(name = "notes_by_shop", columns(shop, amount desc, id), finder = "by_shop")]
#[tenant(shop = scope.domain, scope = Shop)]
#[policy("read", select, using = shop == scope.domain)]
#[policy("change", update, using = shop == scope.domain, check = shop == scope.domain)]
struct Turned {
    #[column(primary_key, serial)]
    id: i32,
    shop: String,
    amount: i32,
}

/// Of the role the connection learns in the transaction's first flight, which the server has no reason to fail.
#[tokio::test]
async fn a_role_that_is_refused_takes_the_transaction_with_it() -> Outcome {
    let server = tabellion::testing::Server::start()?;
    let fixture = Fixture::on(&server).await?;
    fixture.seed(3, 2).await?;
    let login = format!("app_{}", fixture.database.name());
    let sql = format!(
        "create role query_turncoat nologin; grant query_turncoat to \"{login}\";
         grant select, insert, update, delete on notes to query_turncoat"
    );
    fixture.admin.batch_execute(&sql).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let change = || Turned::by_shop("shop 1").update().set(Turned::AMOUNT, 99);
    assert_eq!(change().execute(&acme).await?, 0);
    fixture
        .admin
        .batch_execute("alter role query_turncoat bypassrls")
        .await?;
    let turned = db.scope(Turncoat {
        domain: "acme".into(),
    });
    for inside in [true, false] {
        let outcome = turned
            .transaction(async |tx| {
                let first = match inside {
                    true => {
                        let read =
                            tx.savepoint(async |tx| Turned::find(1).fetch_optional(tx).await);
                        read.await
                    }
                    false => Turned::find(1).fetch_optional(tx).await,
                };
                assert!(
                    matches!(first, Err(Error::RoleBypasses { .. })),
                    "{first:?}"
                );
                let changed = change().execute(tx).await;
                assert!(changed.is_err(), "{changed:?}");
                Ok::<_, Error>(())
            })
            .await;
        assert_eq!(outcome, Err(Error::TransactionAborted));
    }
    assert_eq!(fixture.count("notes where amount = 99").await?, 0);
    Ok(())
}
