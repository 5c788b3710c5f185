//! What a trigger raises is not taken for what the server says of itself, and reads well.

use tabellion::{Error, Table};

use crate::support::*;

async fn raising(fixture: &Fixture, code: &str) -> Outcome {
    let sql = format!(
        "create or replace function raise() returns trigger language plpgsql as $$ \
         begin raise exception 's3cret' using errcode = '{code}'; end $$; \
         create or replace trigger raise before insert on notes for each row execute function raise()"
    );
    fixture.admin.batch_execute(&sql).await?;
    Ok(())
}

#[tokio::test]
async fn a_lost_statement_that_a_trigger_speaks_of_is_no_pooler() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    Note::by_shop("acme").fetch_all(&acme).await?;
    for code in ["26000", "42P05"] {
        raising(&fixture, code).await?;
        for inserted in [
            Note::insert(note("acme")).execute(&acme).await,
            acme.transaction(async |tx| Note::insert(note("acme")).execute(tx).await)
                .await,
        ] {
            let error = refused(inserted);
            assert!(
                matches!(&error, Error::Server(server) if server.code == code),
                "{error}"
            );
        }
    }
    // What was prepared still is.
    let before = flights.count();
    Note::by_shop("acme").fetch_all(&acme).await?;
    assert_eq!(flights.count() - before, 1);
    Ok(())
}

#[tokio::test]
async fn a_violation_without_a_constraint_names_none() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let raised = "a function or trigger of the database says so";
    for (code, message) in [
        (
            "23505",
            format!("`notes` already has such a row: a unique constraint is violated, {raised}"),
        ),
        (
            "23503",
            format!("a foreign key of `notes` is violated, {raised}"),
        ),
        (
            "23514",
            format!("a check constraint of `notes` is violated, {raised}"),
        ),
        (
            "23P01",
            format!("`notes` has a conflicting row: an exclusion constraint is violated, {raised}"),
        ),
        (
            "23502",
            format!("a column of `notes` must have a value, {raised}"),
        ),
    ] {
        raising(&fixture, code).await?;
        let error = refused(Note::insert(note("acme")).execute(&acme).await);
        assert_eq!(error.to_string(), message);
        assert_eq!(error.constraint(), None);
        assert_eq!(error.violated_table(), Some("notes"));
    }
    Ok(())
}

#[tokio::test]
async fn row_security_that_is_off_says_how_to_turn_it_on() -> Outcome {
    let fixture = Fixture::new().await?;
    let off = format!(
        "alter role app_{} set row_security = off",
        fixture.database.name()
    );
    fixture.admin.batch_execute(&off).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let error = refused(Note::by_shop("acme").fetch_all(&acme).await);
    assert_eq!(
        error.to_string(),
        "`row_security` is off, so that the server refuses what a policy filters; `alter role ... reset \
         row_security` for the login, or take it out of the URL's options (SQLSTATE 42501, table `notes`)"
    );
    Ok(())
}

#[tokio::test]
async fn a_parameter_that_is_not_used_is_the_sql_s_mistake() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let sql = "select id from notes where amount = $1";
    let unused = "select id from notes where amount = $2";
    assert_eq!(acme.execute(sql, (1,)).await?, 0);
    let error = refused(acme.execute(unused, (1, 2)).await);
    assert_eq!(
        error.to_string(),
        "could not determine data type of parameter $1; correct the SQL (SQLSTATE 42P18)"
    );
    Ok(())
}
