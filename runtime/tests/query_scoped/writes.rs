//! What is written, what is left to the database, and how a refusal reads.

use tabellion::{Error, Table};

use crate::support::*;

#[tokio::test]
async fn an_insert_leaves_defaults_to_the_database() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let row = Note::insert(note("acme")).fetch_one(&acme).await?;
    assert_eq!((row.amount, row.body, row.kind), (7, None, Kind::Call));
    assert!(row.id > 0 && row.created_at.as_second() > 1_700_000_000);

    let insert = Note::insert(note("acme"))
        .set(Note::AMOUNT, 1)
        .set(Note::BODY, "first")
        .set(Note::AMOUNT, 12)
        .set(Note::KIND, Kind::Visit);
    let row = insert.fetch_one(&acme).await?;
    assert_eq!((row.amount, row.body.as_deref()), (12, Some("first")));
    assert_eq!(row.kind, Kind::Visit);
    Ok(())
}

#[tokio::test]
async fn an_update_changes_what_is_set_and_nothing_else() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let row = Note::insert(note("acme"))
        .set(Note::BODY, "old")
        .fetch_one(&acme)
        .await?;

    let changed = Note::update(row.id)
        .set(Note::BODY, None)
        .execute(&acme)
        .await?;
    assert_eq!(changed, 1);
    let update = Note::update(row.id).set(Note::AMOUNT, 9);
    let now = update.fetch_optional(&acme).await?.expect("it is there");
    assert_eq!((now.body, now.amount, now.kind), (None, 9, Kind::Call));

    let nothing = refused(Note::update(row.id).execute(&acme).await);
    assert!(matches!(nothing, Error::NothingToUpdate { .. }));
    assert_eq!(Note::delete(row.id).execute(&acme).await?, 1);
    assert_eq!(Note::delete(row.id).execute(&acme).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_key_of_two_columns_in_a_schema_that_the_login_does_not_see() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for (seat, guest) in [(1, "ana"), (2, "bo")] {
        let new = NewSeat {
            shop: "acme".into(),
            seat,
            guest: guest.into(),
        };
        Seat::insert(new).execute(&acme).await?;
    }
    let found = Seat::find(("acme".to_owned(), 2)).fetch_one(&acme).await?;
    assert_eq!((found.seat, found.guest.as_str()), (2, "bo"));
    Ok(())
}

#[tokio::test]
async fn a_finder_follows_its_index() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for amount in [3, 1, 2, 2] {
        let kind = if amount == 3 { Kind::Visit } else { Kind::Call };
        let new = NewNote {
            shop: "acme".into(),
            kind,
        };
        Note::insert(new)
            .set(Note::AMOUNT, amount)
            .execute(&acme)
            .await?;
    }
    let amounts = |notes: Vec<Note>| notes.iter().map(|note| note.amount).collect::<Vec<_>>();
    let finder = || Note::by_shop("acme");
    assert_eq!(amounts(finder().fetch_all(&acme).await?), [3, 2, 2, 1]);
    assert_eq!(
        amounts(finder().reverse().fetch_all(&acme).await?),
        [1, 2, 2, 3]
    );
    assert_eq!(amounts(finder().limit(2).fetch_all(&acme).await?), [3, 2]);
    assert!(finder().limit(0).fetch_all(&acme).await?.is_empty());
    let pair = finder().eq(2).fetch_all(&acme).await?;
    assert!(pair.len() == 2 && pair[0].id < pair[1].id);
    let last = finder().eq(2).reverse().fetch_one(&acme).await?;
    assert_eq!(last.id, pair[1].id);
    let exact = finder().eq(2).eq(last.id).fetch_optional(&acme).await?;
    assert_eq!(exact.map(|note| note.id), Some(last.id));
    let nobody = refused(finder().eq(99).fetch_one(&acme).await);
    assert!(matches!(nobody, Error::NotFound { .. }));
    // The partial index's predicate goes along.
    assert_eq!(
        amounts(Note::calls_of("acme").fetch_all(&acme).await?),
        [1, 2, 2]
    );
    Ok(())
}

#[tokio::test]
async fn violations_are_typed_and_quote_no_value() -> Outcome {
    const SECRET: &str = "s3cret body";
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let insert = || Note::insert(note("acme")).set(Note::BODY, SECRET);
    insert().execute(&acme).await?;

    let unique = refused(insert().execute(&acme).await);
    let (table, constraint) = ("notes".to_owned(), "notes_body".to_owned());
    assert_eq!(
        unique,
        Error::Unique {
            table: table.clone(),
            constraint,
            fields: &[]
        }
    );
    let check = refused(insert().set(Note::AMOUNT, 1000).execute(&acme).await);
    let constraint = "notes_amount_check".to_owned();
    assert_eq!(
        check,
        Error::Check {
            table: table.clone(),
            constraint,
            fields: &[]
        }
    );
    fixture
        .admin
        .batch_execute("alter table notes alter body set not null")
        .await?;
    let null = refused(Note::insert(note("acme")).execute(&acme).await);
    assert_eq!(
        null,
        Error::NotNull {
            table,
            column: "body".into()
        }
    );
    fixture
        .admin
        .batch_execute(
            "create table kinds (kind text primary key); \
             alter table notes add constraint notes_kind foreign key (kind) references kinds not valid",
        )
        .await?;
    let foreign = refused(insert().set(Note::BODY, "x").execute(&acme).await);
    assert!(matches!(&foreign, Error::ForeignKey { constraint, .. } if constraint == "notes_kind"));
    fixture
        .admin
        .batch_execute(
            "create function refuse() returns trigger language plpgsql as \
             $$ begin raise exception 'no: %', new.body using detail = new.body; end $$; \
             create trigger refuse before insert on notes for each row execute function refuse()",
        )
        .await?;
    let raised = refused(insert().execute(&acme).await);
    assert!(matches!(&raised, Error::Server(error) if error.code == "P0001"));
    fixture
        .admin
        .batch_execute("revoke all on notes from query_shop")
        .await?;
    let privilege = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert!(matches!(
        privilege,
        Error::Privilege {
            operation: "select",
            ..
        }
    ));
    fixture.admin.batch_execute("drop table notes").await?;
    let gone = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert!(gone.to_string().contains("apply the migrations"), "{gone}");

    for error in [unique, check, null, foreign, raised, privilege, gone] {
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains(SECRET) && !shown.contains("acme"),
            "{shown}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_error_of_the_server_writes_nothing_and_the_connection_goes_on() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let pid = "(select pid from pg_stat_activity where usename like 'app%' \
               and datname = current_database()) as one";
    Note::insert(note("acme")).execute(&acme).await?;
    let before: i64 = fixture.count(pid).await?;
    for _ in 0..3 {
        let insert = Note::insert(note("acme")).set(Note::AMOUNT, 1000);
        assert!(matches!(
            refused(insert.execute(&acme).await),
            Error::Check { .. }
        ));
        assert_eq!(fixture.open_transactions().await?, 0);
        assert!(
            Note::by_shop("acme")
                .fetch_all(&shop(&db, "other"))
                .await?
                .is_empty()
        );
    }
    assert_eq!(fixture.count("notes").await?, 1);
    assert_eq!(fixture.count(pid).await?, before);
    Ok(())
}

#[tokio::test]
async fn a_constraint_that_fails_at_commit_fails_the_write() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let sit = |seat| {
        let new = NewSeat {
            shop: "acme".into(),
            seat,
            guest: "ana".into(),
        };
        Seat::insert(new)
    };
    sit(1).execute(&acme).await?;
    let executed = refused(sit(2).execute(&acme).await);
    assert!(matches!(&executed, Error::Unique { constraint, .. } if constraint == "one_seat_each"));
    // The row had been returned by the statement, and is not handed out.
    let fetched = refused(sit(3).fetch_one(&acme).await);
    assert_eq!(fetched, executed);
    assert_eq!(fixture.count("hall.seats").await?, 1);
    assert_eq!(fixture.open_transactions().await?, 0);
    Ok(())
}

/// What is missing may be named by a row: in a trigger, which casts it or makes a statement of it.
#[tokio::test]
async fn a_missing_object_is_named_only_where_the_statement_names_it() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let admin = &fixture.admin;
    admin
        .batch_execute(
            "create function look() returns trigger language plpgsql as $$ begin return new; end $$; \
             create trigger look before insert on notes for each row execute function look()",
        )
        .await?;
    let bodies = [
        ("perform new.body::regclass;", "42P01"),
        ("perform new.body::regtype;", "42704"),
        ("execute 'select from ' || new.body;", "42P01"),
        ("execute 'select ' || new.body;", "42703"),
        ("execute 'select ' || new.body || '()';", "42883"),
        ("perform (new.body || '.t')::regclass;", "3F000"),
    ];
    for (body, code) in bodies {
        let function = format!(
            "create or replace function look() returns trigger language plpgsql as \
             $$ begin {body} return new; end $$"
        );
        admin.batch_execute(&function).await?;
        let insert = Note::insert(note("acme")).set(Note::BODY, "committed");
        let error = refused(insert.execute(&acme).await);
        assert!(
            matches!(&error, Error::Server(error) if error.code == code && error.missing.is_none()),
            "{body} {error}"
        );
        let text = error.to_string();
        assert!(!text.contains("committed"), "{body} {text}");
        assert!(
            text.contains("does not exist; apply the migrations"),
            "{text}"
        );
    }
    admin
        .batch_execute("alter table notes drop column body")
        .await?;
    let db = fixture.connect(1).await?;
    let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await);
    assert!(error.to_string().contains("body"), "{error}");
    Ok(())
}
