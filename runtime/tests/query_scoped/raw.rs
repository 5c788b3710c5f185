//! Raw SQL inside a scope.

use tabellion::error::RawSql;
use tabellion::{Error, FromRow, NoScope, Projection, Timestamp};

use crate::pgbouncer::PgBouncer;
use crate::support::*;

/// Its fields in another order than the statement's columns, one under another name.
#[derive(Debug, PartialEq, FromRow)]
struct Total {
    notes: i64,
    kind: Kind,
    #[column(name = "most")]
    largest: Option<i32>,
}

const TOTALS: &str = "select kind, max(amount) as most, count(*) as notes from notes \
                      where amount < $1 and shop <> $2 group by kind order by kind";

fn total(notes: i64, largest: i32) -> Total {
    Total {
        notes,
        kind: Kind::Call,
        largest: Some(largest),
    }
}

fn raw_fault<T>(result: Result<T, Error>) -> RawSql {
    match refused(result) {
        Error::RawSql(fault) => *fault,
        other => panic!("another error: {other}"),
    }
}

#[tokio::test]
async fn it_sees_what_the_scope_sees_in_one_flight() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(10, 3).await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    let totals = || acme.query_as::<Total>(TOTALS, (8, "x"));
    assert_eq!(totals().fetch_all().await?, [total(8, 7)]);
    let before = flights.count();
    assert_eq!(totals().fetch_all().await?, [total(8, 7)]);
    assert_eq!(flights.count() - before, 1);
    assert_eq!(totals().fetch_optional().await?, Some(total(8, 7)));
    let other = other.query_as::<Total>(TOTALS, (8, "x"));
    assert!(matches!(
        other.fetch_one().await,
        Err(Error::NotFound { .. })
    ));

    let (count, role, first) = acme
        .query_as::<(i64, String, Option<Timestamp>)>(
            "select count(*), current_user::text, min(created_at) from notes",
            (),
        )
        .fetch_one()
        .await?;
    assert_eq!((count, role.as_str()), (10, "query_shop"));
    assert!(first.is_some());
    Ok(())
}

#[tokio::test]
async fn tables_and_projections_are_rows_too() -> Outcome {
    #[derive(Debug, PartialEq, Projection)]
    #[projection(of = Note)]
    struct Amount {
        shop: String,
        amount: i32,
    }
    let fixture = Fixture::new().await?;
    fixture.seed(3, 1).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let sql =
        "select created_at, kind, notes.shop, id, amount, body from notes order by amount desc";
    let notes = acme.query_as::<Note>(sql, ()).fetch_all().await?;
    let amounts: Vec<i32> = notes.iter().map(|note| note.amount).collect();
    assert_eq!(amounts, [2, 1, 0]);
    let mut stream = acme
        .query_as::<Amount>("select amount, shop from notes order by amount", ())
        .stream()
        .await?;
    for amount in 0..3 {
        let shop = "acme".to_owned();
        assert_eq!(stream.try_next().await?, Some(Amount { shop, amount }));
    }
    assert_eq!(stream.try_next().await?, None);
    Ok(())
}

#[tokio::test]
async fn it_writes_within_the_scope_and_within_a_transaction() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(4, 1).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let raise = "update notes set amount = amount + $1 where amount < 2";
    assert_eq!(acme.execute(raise, (100,)).await?, 2);
    let foreign = "insert into notes (shop, kind, amount) values ($1, $2, 5)";
    let error = refused(acme.execute(foreign, ("other", Kind::Visit)).await);
    assert_eq!(
        error.to_string(),
        "a row-level security policy of `notes` refuses the row; write only rows of the scope's own tenant"
    );
    let outcome = acme
        .transaction(async |tx| {
            tx.execute(foreign, ("acme", Kind::Visit)).await?;
            let visits = "select amount from notes where kind = $1";
            let found = tx
                .query_as::<(i32,)>(visits, (Kind::Visit,))
                .fetch_all()
                .await?;
            assert_eq!(found, [(5,)]);
            // What cannot be sent leaves the transaction as it was; what the server refuses does not.
            let unfit = raw_fault(tx.query_as::<(i32,)>(visits, (1,)).fetch_all().await);
            assert!(matches!(unfit, RawSql::Value { number: 1, .. }), "{unfit}");
            let outside = raw_fault(tx.execute("commit", ()).await);
            assert!(matches!(outside, RawSql::Refused(_)), "{outside}");
            assert_eq!(
                tx.execute("delete from notes where amount > 100", ())
                    .await?,
                1
            );
            tx.execute("select 1 / (amount - amount) from notes", ())
                .await
        })
        .await;
    assert!(outcome.is_err());
    assert_eq!(
        fixture
            .count("notes where shop = 'acme' and kind = 'visit'")
            .await?,
        0
    );
    assert_eq!(fixture.count("notes where shop = 'acme'").await?, 4);
    // An earlier transaction has left no trace.
    assert_eq!(
        acme.execute("select from notes where amount >= 100", ())
            .await?,
        2
    );
    Ok(())
}

#[tokio::test]
async fn what_would_leave_the_scope_is_not_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(2, 1).await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    let before = flights.count();
    for sql in [
        "with other as materialized (select set_config('app.current_shop', 'shop 1', true)) \
         select shop from notes, other",
        "update pg_settings set setting = 'shop 1' where name = 'app.current_shop' returning ''",
        "select 1; reset role",
        "set role app",
        "copy notes to stdout",
        "do $$ begin perform set_config('app.current_shop', 'shop 1', false); end $$",
        "select * into temp mine from notes",
        r"select '\' , ' || set_config($$app.current_shop$$, $$shop 1$$, true) --'",
        "select query_to_xml('select set_config(''app.current_shop'', ''shop 1'', true)', true, true, '')::text",
    ] {
        let fault = raw_fault(acme.query_as::<(String,)>(sql, ()).fetch_all().await);
        assert!(matches!(fault, RawSql::Refused(_)), "{sql}: {fault}");
        let fault = raw_fault(acme.query_as::<(String,)>(sql, ()).stream().await);
        assert!(matches!(fault, RawSql::Refused(_)), "{sql}: {fault}");
    }
    assert_eq!(flights.count(), before);
    assert_eq!(
        raw_fault(acme.execute("set role app", ()).await).to_string(),
        "raw SQL inside a scope: it begins with `set`, which is none of `select`, `with`, `values`, `table`, \
         `insert`, `update`, `delete`, `merge`; what is no reading or writing of rows belongs in a migration, and a \
         transaction is begun by `transaction`"
    );
    Ok(())
}

#[tokio::test]
async fn each_column_has_its_field_before_the_first_row() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    // There is no row that could fail.
    let cases = [
        (
            "select kind, count(*) as notes from notes group by kind",
            "field `largest` of `Total` has no column; select it `as most`",
        ),
        (
            "select kind, 1 as most, 1::int8 as notes, 2 as more from notes",
            "column `more` of the raw SQL has no field in `Total`; add the field, or do not select it",
        ),
        (
            "select kind, 1 as most, kind, 1::int8 as notes from notes",
            "the raw SQL has several columns `kind` for one field of `Total`; give each a name by `as`",
        ),
        (
            "select kind, 1 as most, 1 as notes from notes",
            "column `notes` of the raw SQL is `int4`, but field `notes` of `Total` is `i64`, which is read from \
             `int8`; cast the column or change the field",
        ),
        (
            "select id as kind, 1 as most, 1::int8 as notes from notes",
            "column `kind` of the raw SQL is `int4`, but field `kind` of `Total` is `Kind`, which is read from \
             `text`; cast the column or change the field",
        ),
    ];
    for (sql, message) in cases {
        let fault = raw_fault(acme.query_as::<Total>(sql, ()).fetch_all().await);
        assert_eq!(fault.to_string(), message);
        let again = raw_fault(acme.query_as::<Total>(sql, ()).fetch_all().await);
        assert_eq!(again, fault);
    }
    let pair = "select 1, 2 from notes";
    assert_eq!(
        raw_fault(acme.query_as::<(i32,)>(pair, ()).fetch_all().await).to_string(),
        "the raw SQL has 2 columns, and the tuple 1 fields; make them as many"
    );
    let fault = raw_fault(acme.query_as::<(i32, i64)>(pair, ()).fetch_all().await);
    assert!(
        matches!(&fault, RawSql::Type { field, .. } if field == "1"),
        "{fault}"
    );
    let fault = raw_fault(
        acme.query_as::<Note>("select * from notes limit $1", ())
            .fetch_all()
            .await,
    );
    assert_eq!(
        fault.to_string(),
        "the raw SQL has 1 parameters, and 0 values were given; give one for each"
    );
    // The connection is as it was, and so is the row.
    fixture.seed(1, 0).await?;
    let none = "select kind, null::int4 as most, null::int8 as notes from notes";
    assert_eq!(
        refused(acme.query_as::<Total>(none, ()).fetch_one().await).to_string(),
        "column `notes` of `Total` is NULL; make the field an `Option<i64>`"
    );
    assert_eq!(acme.execute("table notes", ()).await?, 1);
    Ok(())
}

#[tokio::test]
async fn the_server_says_what_is_wrong_with_the_text() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture
        .admin
        .batch_execute("create table secrets (key text)")
        .await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let said = async |sql: &'static str| refused(acme.execute(sql, ()).await).to_string();
    assert_eq!(
        said("select * form notes").await,
        "syntax error at or near \"form\"; correct the SQL (SQLSTATE 42601)"
    );
    assert_eq!(
        said("select kind, count(*) from notes").await,
        "column \"notes.kind\" must appear in the GROUP BY clause or be used in an aggregate function; correct the \
         SQL (SQLSTATE 42803)"
    );
    assert_eq!(
        said("select * from secrets").await,
        "raw SQL runs as role \"query_shop\": permission denied for table secrets; a policy of the table must allow the \
         command, with each column where it names some, which its migration grants"
    );
    Ok(())
}

#[tokio::test]
async fn a_changed_table_is_matched_anew() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(1, 0).await?;
    fixture
        .admin
        .batch_execute(
            "create table pairs (a text, b text); insert into pairs values ('a', 'b'); \
             grant select on pairs to query_shop",
        )
        .await?;
    #[derive(Debug, PartialEq, FromRow)]
    struct Pair {
        a: String,
        b: String,
    }
    let bouncer = PgBouncer::start(&fixture.url).await;
    let pooled = format!("{}&pooler=transaction", bouncer.url);
    for url in [&fixture.url, &pooled] {
        let db = pool(url, 1).await?;
        let acme = shop(&db, "acme");
        let pair = async || {
            acme.query_as::<Pair>("select * from pairs", ())
                .fetch_one()
                .await
        };
        let right = Pair {
            a: "a".into(),
            b: "b".into(),
        };
        assert_eq!(pair().await?, right);
        let swap = "alter table pairs rename a to c; alter table pairs rename b to a; \
                    alter table pairs rename c to b; update pairs set a = b, b = a";
        fixture.admin.batch_execute(swap).await?;
        // Two columns of one type have changed places. Where no statement is kept only the answer says so, behind
        // a statement of which nobody can say what it called.
        let again = match pair().await {
            Err(Error::TableChanged { .. }) if *url == pooled => pair().await?,
            again => again?,
        };
        assert_eq!(again, right);
    }
    Ok(())
}

#[tokio::test]
async fn a_login_past_row_level_security_runs_none_outside_a_scope() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(1, 3).await?;
    let db = pool(fixture.database.url(), 1).await?;
    let all = db.scope(NoScope);
    let fault = raw_fault(
        all.query_as::<(i64,)>("select count(*) from notes", ())
            .fetch_one()
            .await,
    );
    assert!(matches!(fault, RawSql::Unheld { .. }), "{fault}");
    // A login that it holds sees what it was granted.
    let db = fixture.connect(1).await?;
    let all = db.scope(NoScope);
    let denied = raw_fault(all.execute("table notes", ()).await);
    assert!(matches!(denied, RawSql::Privilege { .. }), "{denied}");
    assert_eq!(all.execute("select 1", ()).await?, 1);
    Ok(())
}
