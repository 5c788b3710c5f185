//! A tenant sees and writes its own rows and nobody else's.

use tabellion::{Column, Error, Table};

use crate::support::*;

#[tokio::test]
async fn rows_of_another_tenant_are_neither_read_nor_written() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(2).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));

    let mine = Note::insert(note("acme")).fetch_one(&acme).await?;
    Note::insert(note("other")).execute(&other).await?;

    assert_eq!(Note::by_shop("acme").fetch_all(&acme).await?.len(), 1);
    assert!(Note::by_shop("other").fetch_all(&acme).await?.is_empty());
    assert!(Note::by_shop("acme").fetch_all(&other).await?.is_empty());
    assert!(Note::find(mine.id).fetch_optional(&other).await?.is_none());
    let missing = refused(Note::find(mine.id).fetch_one(&other).await);
    assert_eq!(
        missing.to_string(),
        "no such row in `notes` within this scope"
    );

    let body = Note::update(mine.id).set(Note::BODY, "taken");
    assert_eq!(body.execute(&other).await?, 0);
    assert_eq!(Note::delete(mine.id).execute(&other).await?, 0);

    let forged = refused(Note::insert(note("acme")).execute(&other).await);
    assert_eq!(
        forged,
        Error::RowRefused {
            table: "notes".into()
        }
    );
    // By a column that the derive would not give.
    let shop: Column<Note, String> = Column::new("shop");
    let moved = Note::update(mine.id).set(shop, "other");
    assert!(matches!(
        refused(moved.execute(&acme).await),
        Error::RowRefused { .. }
    ));

    assert_eq!(
        fixture
            .count("notes where shop = 'acme' and body is null")
            .await?,
        1
    );
    assert_eq!(fixture.count("notes").await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_finder_has_nulls_where_its_index_has_them() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    for body in [None, Some("b"), Some("c")] {
        let insert = Note::insert(note("acme"));
        match body {
            Some(body) => insert.set(Note::BODY, body).execute(&acme).await?,
            None => insert.execute(&acme).await?,
        };
    }
    let bodies = |notes: Vec<Note>| notes.into_iter().map(|note| note.body).collect::<Vec<_>>();
    let mut expected = vec![Some("c".to_owned()), Some("b".to_owned()), None];
    let found = Note::said("acme").fetch_all(&acme).await?;
    assert_eq!(bodies(found), expected);
    expected.reverse();
    let found = Note::said("acme").reverse().fetch_all(&acme).await?;
    assert_eq!(bodies(found), expected);
    Ok(())
}

#[tokio::test]
async fn a_scope_ends_with_its_statement() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    for round in 0..50 {
        for name in ["acme", "other"] {
            let scope = shop(&db, name);
            Note::insert(note(name)).execute(&scope).await?;
            let seen = Note::by_shop(name).fetch_all(&scope).await?;
            assert_eq!(seen.len(), round + 1);
            assert!(seen.iter().all(|note| note.shop == name));
        }
        let user = db.scope(User { id: round as i64 });
        let new = NewPreference {
            user_id: round as i64,
        };
        let row = Preference::insert(new).fetch_one(&user).await?;
        // What PostgreSQL leaves of a transaction-local setting, never its value.
        assert_eq!(row.leak.as_deref(), Some(""));
    }
    // A failed statement in between leaves nothing behind either.
    let forged = Note::insert(note("other"))
        .execute(&shop(&db, "acme"))
        .await;
    assert!(forged.is_err());
    let after = Note::by_shop("acme").fetch_all(&shop(&db, "other")).await?;
    assert!(after.is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tenants_over_few_connections_never_meet() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(4).await?;
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let db = db.clone();
            tokio::spawn(async move {
                let name = format!("shop{n}");
                let scope = shop(&db, &name);
                for round in 1..=40_usize {
                    Note::insert(note(&name)).execute(&scope).await?;
                    // Every third asks for a neighbour, and every fifth is abandoned.
                    if round % 3 == 0 {
                        let neighbour = format!("shop{}", (n + 1) % 16);
                        let seen = Note::by_shop(neighbour).fetch_all(&scope).await?;
                        assert!(seen.is_empty());
                    }
                    if round % 5 == 0 {
                        let query = Note::by_shop(name.clone()).fetch_all(&scope);
                        let _ = tokio::time::timeout(std::time::Duration::ZERO, query).await;
                    }
                    let seen = Note::by_shop(name.clone()).fetch_all(&scope).await?;
                    assert_eq!(seen.len(), round);
                    assert!(seen.iter().all(|note| note.shop == name));
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    assert_eq!(fixture.count("notes").await?, 16 * 40);
    assert_eq!(fixture.lasting_transactions().await?, 0);
    Ok(())
}

#[tokio::test]
async fn an_empty_scope_is_refused_before_anything_is_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let before = flights.count();
    for empty in ["", " ", "\0", "\t\u{0}\n"] {
        let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, empty)).await);
        let setting = "app.current_shop";
        assert_eq!(error, Error::EmptyScope { setting }, "{empty:?}");
    }
    let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "ac\0me")).await);
    assert!(matches!(error, Error::InvalidScope { .. }));
    assert!(!format!("{error} {error:?}").contains("ac\0me"));
    assert_eq!(flights.count(), before);
    Ok(())
}

#[tokio::test]
async fn without_a_scope_the_login_itself_sees_nothing() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    Note::insert(note("acme"))
        .execute(&shop(&db, "acme"))
        .await?;
    let login = client(&fixture.url).await?;
    let direct = login.query("select * from notes", &[]).await;
    assert!(direct.is_err_and(|error| error.code().is_some_and(|code| code.code() == "42501")));
    // With the role and no setting, or an empty one, the policy denies.
    for setting in ["", "set app.current_shop = '';"] {
        let sql =
            format!("begin; set local role query_shop; {setting} select * from notes; commit");
        let rows = login.simple_query(&sql).await?;
        let is_row = |message: &_| matches!(message, tokio_postgres::SimpleQueryMessage::Row(_));
        assert!(!rows.iter().any(is_row));
    }
    Ok(())
}
