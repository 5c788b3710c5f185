//! Texts that fit into no message: what is refused before it leaves is nothing that the connection knows.

use tabellion::query::Order;
use tabellion::{AllowsSelect, Error, Finder, Index, NoScope, Row, Scope, Scoped, Table};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

/// A scope whose role turns out to bypass row-level security.
struct Loose;

impl Scope for Loose {
    const ROLE: &'static str = "query_loose";
    const SETTINGS: &'static [&'static str] = &[];
    fn values(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

/// Names that hold a NUL, which no derive writes.
macro_rules! table_with_nul {
    ($table:ident, $scope:ident) => {
        #[derive(Debug)]
        struct $table;
        impl Table for $table {
            type Scope = $scope;
            const NAME: &'static str = "public.notes";
            const COLUMNS: &'static [&'static str] = &["i\0d"];
            fn from_row(_: &Row<'_>) -> Result<Self, Error> {
                Ok($table)
            }
        }
        impl AllowsSelect for $table {}
    };
}

table_with_nul!(LooseNote, Loose);
table_with_nul!(BadNote, Shop);

const INDEX: Index = Index {
    name: "an_index",
    finder: "by_shop",
    columns: &[("shop", Order::Ascending)],
    predicate: &[],
};

const NUL: &str = "select 'a\0b'";

async fn bad_note(acme: &Scoped<Shop>) -> Result<Vec<BadNote>, Error> {
    let finder = Finder::<BadNote, ()>::new(&INDEX, "acme".to_owned());
    finder.fetch_all(acme).await
}

#[tokio::test]
async fn a_role_is_looked_at_whatever_was_not_sent_before() -> Outcome {
    let fixture = Fixture::new().await?;
    let who = client(&fixture.url).await?;
    let login: String = who
        .query_one("select session_user::text", &[])
        .await?
        .try_get(0)?;
    let sql = format!(
        "create role query_loose nologin bypassrls; grant query_loose to {login}; \
         grant select on notes to query_loose; \
         insert into notes (shop, kind) values ('acme', 'call'), ('other', 'call')"
    );
    fixture.admin.batch_execute(&sql).await?;
    let pooler = PgBouncer::start(&fixture.url).await;
    let through = format!("{}&pooler=transaction", pooler.url);
    for url in [&fixture.url, &through] {
        for is_raw in [true, false] {
            let loose = pool(url, 1).await?.scope(Loose);
            let first = match is_raw {
                true => refused(loose.execute(NUL, ()).await),
                false => {
                    let finder = Finder::<LooseNote, ()>::new(&INDEX, "acme".to_owned());
                    refused(finder.fetch_all(&loose).await)
                }
            };
            assert!(!first.may_have_written(), "{first}");
            for _ in 0..2 {
                let read = loose.execute("select * from notes", ()).await;
                let error = refused(read);
                assert!(matches!(error, Error::RoleBypasses { .. }), "{error}");
            }
            let outcome = loose
                .transaction(async |tx| {
                    tx.execute(NUL, ()).await.ok();
                    tx.execute("select * from notes", ()).await
                })
                .await;
            assert!(
                matches!(outcome, Err(Error::RoleBypasses { .. })),
                "{outcome:?}"
            );
        }
    }
    let sql = "drop owned by query_loose; drop role query_loose";
    fixture.admin.batch_execute(sql).await?;
    Ok(())
}

#[tokio::test]
async fn raw_sql_with_a_nul_is_refused_as_such() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let acme = shop(&pool(&url, 1).await?, "acme");
    let before = flights.count();
    for sql in [
        NUL,
        "select 1 -- \0",
        "select 1 /* \0 */",
        "\0",
        "select \"\0\"",
    ] {
        let error = refused(acme.execute(sql, ()).await);
        assert_eq!(
            error.to_string(),
            "raw SQL inside a scope: it holds a NUL character, which PostgreSQL does not read; remove it"
        );
    }
    assert_eq!(flights.count(), before);
    let error = refused(bad_note(&acme).await);
    assert_eq!(
        error.to_string(),
        "the statement fits into no message: it is too large, or a name in it holds a NUL character; send less at a \
         time, or remove that"
    );
    assert_eq!(flights.count(), before);
    // The pool is none the worse, and prepares as ever.
    for _ in 0..3 {
        assert_eq!(Note::by_shop("acme").count(&acme).await?, 0);
    }
    assert_eq!(flights.count(), before + 4);
    Ok(())
}

#[tokio::test]
async fn what_is_to_be_closed_is_closed_by_the_next_flight_that_leaves() -> Outcome {
    const PREPARED: Index = Index {
        name: "an_index",
        finder: "by_shop",
        columns: &[("from_sql", Order::Ascending)],
        predicate: &[],
    };
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let prepared = async || {
        let finder = Finder::<Prepared, ()>::new(&PREPARED, false);
        finder
            .fetch_all(&db.scope(NoScope))
            .await
            .map(|all| all.len())
    };
    Note::by_shop("acme").fetch_all(&acme).await?;
    let before = prepared().await?;
    for _ in 0..10 {
        // Prepared, and then of no use.
        refused(acme.query_as::<(i32,)>("select 1, 2", ()).fetch_all().await);
        refused(bad_note(&acme).await);
    }
    // Another statement, prepared anew, takes them away.
    Note::by_shop("acme").count(&acme).await?;
    assert_eq!(prepared().await?, before + 1);
    Ok(())
}

struct Nameless;

impl Scope for Nameless {
    const ROLE: &'static str = "query\0shop";
    const SETTINGS: &'static [&'static str] = &[];
    fn values(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

struct Settled;

impl Scope for Settled {
    const ROLE: &'static str = "query_shop";
    const SETTINGS: &'static [&'static str] = &["app.\0"];
    fn values(&self) -> Vec<Option<String>> {
        vec![Some("acme".to_owned())]
    }
}

#[tokio::test]
async fn a_role_and_a_setting_with_a_nul_are_refused_before_anything_is_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let role = refused(db.scope(Nameless).execute("select 1", ()).await);
    let setting = refused(db.scope(Settled).execute("select 1", ()).await);
    assert_eq!(
        [role.to_string(), setting.to_string()],
        ["role", "settings"]
            .map(|what| format!("the scope's `{what}` holds a NUL character; remove it"))
    );
    Ok(())
}
