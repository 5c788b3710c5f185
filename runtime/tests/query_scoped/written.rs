//! An error behind a write says whether the write stands.

use tabellion::{Error, Table};

use crate::support::*;

/// What the application wrote comes back as something that it cannot read.
const UNREADABLE: &str = "
create function garble() returns trigger language plpgsql as
  $$ begin new.kind := 'smoke s3cret'; return new; end $$;
create trigger garble before insert or update on notes for each row execute function garble();
";

const UNKNOWN: &str = "column `kind` of `notes` holds a text that `Kind` has no variant for; \
                       add the variant or correct the row";

fn says(error: &Error, is_written: bool) {
    let end = match is_written {
        true => "; what was written is committed",
        false => "",
    };
    assert_eq!(error.to_string(), format!("{UNKNOWN}{end}"));
    assert_eq!(error.may_have_written(), is_written);
}

#[tokio::test]
async fn a_row_that_was_written_and_cannot_be_read_says_so() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(1, 0).await?;
    fixture.admin.batch_execute(UNREADABLE).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let amount = |amount| Note::insert(note("acme")).set(Note::AMOUNT, amount);
    says(&refused(amount(1).fetch_one(&acme).await), true);
    let many = Note::insert_many([amount(2), amount(3)]);
    says(&refused(many.fetch_all(&acme).await), true);
    let upsert = || amount(4).set(Note::ID, 900).on_conflict(Note::ID_KEY);
    says(
        &refused(upsert().do_nothing().fetch_optional(&acme).await),
        true,
    );
    says(
        &refused(upsert().do_update(Note::AMOUNT).fetch_one(&acme).await),
        true,
    );
    let update = Note::update(1).set(Note::AMOUNT, 5);
    says(&refused(update.fetch_optional(&acme).await), true);
    let found = || Note::by_shop("acme").eq(5);
    let update = found().update().set(Note::AMOUNT, 6);
    says(&refused(update.fetch_all(&acme).await), true);
    assert_eq!(fixture.count("notes where kind like 'smoke%'").await?, 5);
    let gone = Note::by_shop("acme").eq(6).delete();
    says(&refused(gone.fetch_all(&acme).await), true);
    assert_eq!(fixture.count("notes").await?, 4);
    // Of a read nobody needs to ask.
    says(
        &refused(Note::by_shop("acme").fetch_all(&acme).await),
        false,
    );
    Ok(())
}

#[tokio::test]
async fn raw_sql_says_so_too() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(UNREADABLE).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let insert = "insert into notes (shop, kind) values ('acme', 'call') returning *";
    for error in [
        refused(acme.query_as::<Note>(insert, ()).fetch_one().await),
        refused(acme.query_as::<Note>(insert, ()).fetch_all().await),
        refused(acme.query_as::<Note>(insert, ()).fetch_optional().await),
    ] {
        says(&error, true);
    }
    assert_eq!(fixture.count("notes").await?, 3);
    // Of a stream nobody waited for the end.
    let mut stream = acme.query_as::<Note>(insert, ()).stream().await?;
    let error = refused(stream.try_next().await);
    assert_eq!(
        error.to_string(),
        format!("{UNKNOWN}; whether it wrote something is not known")
    );
    assert!(error.may_have_written());
    // What is read by raw SQL is no write.
    let read = acme.query_as::<Note>("select * from notes", ());
    says(&refused(read.fetch_all().await), false);
    // Nobody knows of a function.
    let function = "create function note() returns text language sql volatile as
        $$ insert into notes (shop, kind) values ('acme', 'call'); select null $$";
    fixture.admin.batch_execute(function).await?;
    let called = acme.query_as::<(String,)>("select note()", ());
    let error = refused(called.fetch_one().await);
    assert!(error.may_have_written(), "{error}");
    assert_eq!(fixture.count("notes").await?, 5);
    Ok(())
}

/// There the transaction decides.
#[tokio::test]
async fn inside_a_transaction_nothing_is_written_yet() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(UNREADABLE).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let outcome = acme
        .transaction(async |tx| Note::insert(note("acme")).fetch_one(tx).await)
        .await;
    says(&refused(outcome), false);
    assert_eq!(fixture.count("notes").await?, 0);
    Ok(())
}
