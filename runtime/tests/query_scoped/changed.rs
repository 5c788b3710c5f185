//! Tables and types that change under warm connections.

use tabellion::{Database, Error, Table};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

/// A URL that leads to the server, and one through a pooler that was announced.
async fn both(fixture: &Fixture) -> (PgBouncer, [String; 2]) {
    let pooler = PgBouncer::start(&fixture.url).await;
    let through = format!("{}&pooler=transaction", pooler.url);
    (pooler, [fixture.url.clone(), through])
}

/// Has four connections at the same time know what reads notes.
async fn warm(db: &Database) -> Result<(), Error> {
    let acme = shop(db, "acme");
    let one = async || {
        acme.transaction(async |tx| {
            Note::by_shop("acme").fetch_all(tx).await?;
            tx.execute("select pg_sleep(0.1)", ()).await
        })
        .await
    };
    let all = tokio::join!(one(), one(), one(), one());
    for outcome in [all.0, all.1, all.2, all.3] {
        outcome?;
    }
    Ok(())
}

#[tokio::test]
async fn a_read_of_a_table_that_changed_is_run_again() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute("drop index notes_body").await?;
    fixture.seed(2, 1).await?;
    let (_pooler, urls) = both(&fixture).await;
    for url in urls {
        let db = pool(&url, 4).await?;
        let acme = shop(&db, "acme");
        warm(&db).await?;
        let types = ["varchar", "text"];
        for ty in types {
            let change = format!("alter table notes alter column body type {ty}");
            fixture.admin.batch_execute(&change).await?;
            let read = async || {
                Note::by_shop("acme")
                    .fetch_all(&acme)
                    .await
                    .map(|it| it.len())
            };
            let all = tokio::join!(read(), read(), read(), read());
            assert_eq!(all, (Ok(2), Ok(2), Ok(2), Ok(2)), "{ty}");
        }
    }
    Ok(())
}

/// What its columns are is known once it is committed, where nothing is prepared.
#[tokio::test]
async fn a_write_whose_rows_have_changed_may_have_written() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute("drop index notes_body").await?;
    let (_pooler, [_, url]) = both(&fixture).await;
    let acme = shop(&pool(&url, 1).await?, "acme");
    let one = async || Note::insert(note("acme")).fetch_one(&acme).await.map(drop);
    let many = async || {
        let rows = (0..6_000).map(|_| note("acme"));
        Note::insert_many(rows).fetch_all(&acme).await.map(drop)
    };
    one().await?;
    many().await?;
    let change = "truncate notes; alter table notes alter column body type varchar";
    fixture.admin.batch_execute(change).await?;
    let expected = "`notes` has changed since the columns of its rows were learnt, so that they cannot be read; the \
                    next run learns them anew; what was written is committed";
    let error = refused(one().await);
    assert!(error.may_have_written(), "{error}");
    assert_eq!(error.to_string(), expected);
    assert_eq!(fixture.count("notes").await?, 1);
    one().await?;

    many().await?;
    let change = "truncate notes; alter table notes alter column body type text";
    fixture.admin.batch_execute(change).await?;
    let error = refused(many().await);
    assert!(error.may_have_written(), "{error}");
    assert_eq!(error.to_string(), expected);
    assert_eq!(fixture.count("notes").await?, 6_000);
    many().await?;

    // Of a function nobody can tell what it did, so that it runs once.
    let sequence = "create sequence calls; grant usage on calls to query_shop;
                    create function called() returns table (body text) language sql as \
                    'select nextval(''calls'')::text'; truncate notes";
    fixture.admin.batch_execute(sequence).await?;
    let call = async || {
        let sql = "select called.* from called()";
        acme.query_as::<(String,)>(sql, ()).fetch_all().await
    };
    call().await?;
    let change = "drop function called();
                  create function called() returns table (body varchar) language sql as \
                  'select nextval(''calls'')::varchar'";
    fixture.admin.batch_execute(change).await?;
    let error = refused(call().await);
    assert!(error.may_have_written(), "{error}");
    assert_eq!(call().await, Ok(vec![("3".to_owned(),)]));
    Ok(())
}

#[tokio::test]
async fn a_type_that_is_made_anew_is_learnt_anew() -> Outcome {
    const INSERT: &str = "insert into labels values ($1)";
    let fixture = Fixture::new().await?;
    let (_pooler, urls) = both(&fixture).await;
    let tables = "create domain label as text; create table labels (value label);
                  grant insert on labels to query_shop; drop index notes_open;
                  create type kind as enum ('call', 'visit')";
    fixture.admin.batch_execute(tables).await?;
    for (url, within) in urls.iter().flat_map(|url| [(url, false), (url, true)]) {
        let acme = shop(&pool(url, 1).await?, "acme");
        let insert = async || match within {
            false => acme.execute(INSERT, ("x",)).await,
            true => {
                let work = acme.transaction(async |tx| tx.execute(INSERT, ("x",)).await);
                work.await
            }
        };
        assert_eq!(insert().await, Ok(1));
        let change = "create domain other as text; alter table labels alter column value type other; \
                      drop domain label; alter domain other rename to label";
        fixture.admin.batch_execute(change).await?;
        let lost = insert().await;
        assert!(matches!(lost, Ok(1) | Err(Error::Server(_))), "{lost:?}");
        assert_eq!(insert().await, Ok(1), "{within}");
    }
    for url in urls {
        let acme = shop(&pool(&url, 1).await?, "acme");
        let insert = async || Note::insert(note("acme")).execute(&acme).await;
        assert_eq!(insert().await, Ok(1));
        let change = "alter table notes alter column kind type kind using kind::kind";
        fixture.admin.batch_execute(change).await?;
        assert!(matches!(insert().await, Err(Error::Server(_))));
        // What a new connection says as well.
        let unfit = refused(insert().await);
        assert!(matches!(unfit, Error::Encode { .. }), "{unfit}");
        let change = "alter table notes alter column kind type text using kind::text";
        fixture.admin.batch_execute(change).await?;
        // The types that were learnt meanwhile refuse once more, and are then looked at anew.
        let _ = insert().await;
        assert_eq!(insert().await, Ok(1));
    }
    Ok(())
}

#[tokio::test]
async fn what_a_statement_calls_without_saying_so_is_called_once() -> Outcome {
    let fixture = Fixture::new().await?;
    let (_pooler, urls) = both(&fixture).await;
    let tables = "create table calls (at timestamptz); grant insert on calls to query_shop;
        create table called (body text); insert into called values ('a'); grant select on called to query_shop;
        create function touched(c called) returns text language sql volatile as
          'insert into calls values (now()); select c.body'";
    fixture.admin.batch_execute(tables).await?;
    for url in urls {
        let acme = shop(&pool(&url, 1).await?, "acme");
        let sql = "select c.body, c.touched as t from called c";
        let call = async || acme.query_as::<(String, String)>(sql, ()).fetch_all().await;
        call().await?;
        let change = "truncate calls; alter table called alter column body type varchar";
        fixture.admin.batch_execute(change).await?;
        let outcome = call().await;
        let query = "select count(*) from calls";
        let calls: i64 = fixture.admin.query_one(query, &[]).await?.get(0);
        // PostgreSQL 18 refuses the function while its row changes.
        let is_refused = matches!(outcome, Err(Error::Server(_)));
        assert_eq!(calls, i64::from(!is_refused), "{outcome:?}");
        let back = "alter table called alter column body type text";
        fixture.admin.batch_execute(back).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_program_that_is_there_before_its_migration_goes_on_behind_it() -> Outcome {
    const INSERT: &str = "insert into early values ($1)";
    let fixture = Fixture::new().await?;
    let (_pooler, urls) = both(&fixture).await;
    for url in urls {
        let early = "drop table if exists early; create table early (value text);
                     grant insert on early to query_shop";
        fixture.admin.batch_execute(early).await?;
        let acme = shop(&pool(&url, 1).await?, "acme");
        let insert = async || acme.execute(INSERT, (5_i64,)).await;
        for _ in 0..3 {
            assert!(insert().await.is_err());
        }
        let change = "alter table early alter column value type bigint using value::bigint";
        fixture.admin.batch_execute(change).await?;
        let _ = insert().await;
        assert_eq!(insert().await, Ok(1));
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_whose_types_cannot_be_looked_up_is_closed() -> Outcome {
    let fixture = Fixture::new().await?;
    let change = "create type mood as enum ('good'); revoke select on pg_type from public";
    fixture.admin.batch_execute(change).await?;
    let acme = shop(&fixture.connect(1).await?, "acme");
    for _ in 0..20 {
        refused(acme.execute("select 'good'::mood", ()).await);
    }
    let sql = "select count(*) from pg_prepared_statements";
    let (count,) = acme.query_as::<(i64,)>(sql, ()).fetch_one().await?;
    assert!(count < 5, "{count}");
    Ok(())
}
