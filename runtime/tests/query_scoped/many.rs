//! Many rows at once: all or none, whatever they hold.

use tabellion::testing::Server;
use tabellion::{Error, Json, Scope, Table};

use crate::support::*;

fn rows(count: i32) -> impl Iterator<Item = tabellion::query::Insert<Note>> {
    (0..count).map(|n| Note::insert(note("acme")).set(Note::AMOUNT, n % 1000))
}

#[tokio::test]
async fn many_rows_are_written_with_the_defaults_of_the_database() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let none = Note::insert_many(Vec::<NewNote>::new())
        .execute(&acme)
        .await?;
    assert_eq!(none, 0);
    let new = [note("acme"), note("acme"), note("acme")];
    assert_eq!(Note::insert_many(new).execute(&acme).await?, 3);
    let kinds = [Kind::Visit, Kind::Call];
    let back = kinds.map(|kind| {
        Note::insert(NewNote {
            shop: "acme".into(),
            kind,
        })
        .set(Note::BODY, None)
    });
    let back = Note::insert_many(back).fetch_all(&acme).await?;
    let seen: Vec<_> = back
        .iter()
        .map(|row| (row.kind, row.amount, row.body.clone()))
        .collect();
    assert_eq!(seen, [(Kind::Visit, 7, None), (Kind::Call, 7, None)]);
    assert_eq!(fixture.count("notes where amount = 7").await?, 5);
    Ok(())
}

#[tokio::test]
async fn several_portions_are_one_transaction() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    assert_eq!(
        Note::insert_many(rows(12_345)).execute(&acme).await?,
        12_345
    );
    assert_eq!(fixture.count("notes").await?, 12_345);
    assert_eq!(
        fixture
            .count("(select distinct xmin::text from notes) one")
            .await?,
        1
    );
    let back = Note::insert_many(rows(6_000)).fetch_all(&acme).await?;
    assert!((0..).zip(&back).all(|(n, row)| row.amount == n % 1000));
    assert_eq!(back.len(), 6_000);
    // A portion is cut by bytes, too: what is larger than a message of the server allows goes in many.
    let large = (0..40)
        .map(|n| Note::insert(note("acme")).set(Note::BODY, format!("{n}{}", "x".repeat(1 << 17))));
    fixture.admin.batch_execute("drop index notes_body").await?;
    assert_eq!(Note::insert_many(large).execute(&acme).await?, 40);
    Ok(())
}

/// The refused row stands in the first portion, in the last, and in one between.
#[tokio::test]
async fn a_refused_row_takes_back_all_and_leaves_the_connection() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    assert_eq!(Note::insert_many(rows(6_000)).execute(&acme).await?, 6_000);
    let pid = "(select pid from pg_stat_activity where usename like 'app%' \
               and datname = current_database()) as one";
    for at in [0, 7_000, 12_000, 5_000, 4_999] {
        let check = rows(12_001).enumerate().map(|(n, row)| {
            if n == at {
                row.set(Note::AMOUNT, 1000)
            } else {
                row
            }
        });
        let error = refused(Note::insert_many(check).execute(&acme).await);
        assert!(matches!(error, Error::Check { .. }), "{error}");
        let theirs = rows(12_001).enumerate().map(|(n, row)| {
            if n == at {
                row.set(Note::SHOP, "other")
            } else {
                row
            }
        });
        let error = refused(Note::insert_many(theirs).execute(&acme).await);
        assert_eq!(
            error,
            Error::RowRefused {
                table: "notes".into()
            }
        );
        let nul = rows(12_001).enumerate().map(|(n, row)| {
            let body = if n == at {
                Some("s3cret\0".to_owned())
            } else {
                None
            };
            row.set(Note::BODY, body)
        });
        let error = refused(Note::insert_many(nul).execute(&acme).await);
        assert!(
            matches!(&error, Error::Encode { table, column, .. } if table == "notes" && column == "body"),
            "{error}"
        );
        let other = rows(12_001).enumerate().map(|(n, row)| {
            if n == at {
                row.set(Note::BODY, None)
            } else {
                row
            }
        });
        let error = refused(Note::insert_many(other).execute(&acme).await);
        assert_eq!(
            error,
            Error::RowsDiffer {
                table: "notes".into()
            }
        );
        assert_eq!(fixture.count("notes").await?, 6_000);
        assert_eq!(fixture.open_transactions().await?, 0);
        assert_eq!(fixture.count(pid).await?, 1);
    }
    assert_eq!(Note::insert_many(rows(6_000)).execute(&acme).await?, 6_000);
    Ok(())
}

#[derive(Scope)]
#[scope(role = "query_shop")]
struct Anyone {
    #[setting("app.current_shop")]
    domain: String,
}

/// Every way in which a column is an array or none.
#[derive(Debug, Table)]
#[table(name = "bags", scope = Anyone)]
#[tenant(shop = scope.domain)]
struct Bag {
    #[column(primary_key, identity)]
    id: i64,
    shop: String,
    words: Vec<String>,
    numbers: Option<Vec<i64>>,
    kinds: Vec<Kind>,
    #[column(varchar(3))]
    code: Option<String>,
    bytes: Vec<u8>,
    data: Json,
}

#[tokio::test]
async fn arrays_of_arrays_and_what_a_type_leaves_open() -> Outcome {
    let fixture = Fixture::on(Server::shared()?).await?;
    let sql = "create table bags (id bigint generated always as identity primary key, shop text not null, \
               words text[] not null, numbers bigint[], kinds text[] not null, code varchar(3), \
               bytes bytea not null, data jsonb not null); \
               grant select, insert on bags to query_shop";
    fixture.admin.batch_execute(sql).await?;
    let db = fixture.connect(1).await?;
    let acme = db.scope(Anyone {
        domain: "acme".into(),
    });
    let bag = |n: usize| NewBag {
        shop: "acme".into(),
        words: (0..n % 5)
            .map(|word| format!("w{word}, \"{{}}\""))
            .collect(),
        kinds: vec![Kind::Visit; n % 3],
        bytes: vec![0; n % 4],
        data: Json(serde_json::json!({ "n": n })),
    };
    let numbers = |n: usize| (!n.is_multiple_of(4)).then(|| (1..n as i64 % 4).collect::<Vec<_>>());
    let new = (0..5_500).map(|n| Bag::insert(bag(n)).set(Bag::NUMBERS, numbers(n)));
    let back = Bag::insert_many(new).fetch_all(&acme).await?;
    assert_eq!(back.len(), 5_500);
    for (n, row) in back.iter().enumerate() {
        let new = bag(n);
        assert_eq!(
            (&row.words, &row.kinds, &row.bytes),
            (&new.words, &new.kinds, &new.bytes)
        );
        assert_eq!(
            (&row.numbers, &row.data, &row.code),
            (&numbers(n), &new.data, &None)
        );
        assert!(row.id > 0 && row.shop == "acme");
    }
    // A cast would have cut it.
    let long = Bag::insert_many([Bag::insert(bag(1)).set(Bag::CODE, "four")]);
    let error = refused(long.execute(&acme).await);
    assert!(
        matches!(&error, Error::TooLarge { columns, .. } if *columns == [("code", "varchar(3)")]),
        "{error}"
    );
    Ok(())
}
