//! Rows that may be there already, rows that a finder finds, and rows that somebody else changed.

use tabellion::{Column, Error, Table};

use crate::support::*;

/// A tenant's settings: one of each name, and how often each was changed.
#[derive(Debug, PartialEq, Table)]
#[table(name = "options", scope = Shop)]
#[unique(columns(shop, name))]
#[unique(columns(note))]
#[index(columns(shop, name), finder = "named")]
#[tenant(shop = scope.domain)]
struct Setting {
    #[column(primary_key, identity)]
    id: i64,
    shop: String,
    name: String,
    value: i32,
    note: Option<String>,
    #[column(version)]
    version: i32,
}

const OPTIONS: &str = "
create table options (
  id bigint generated always as identity primary key,
  shop text not null,
  name text not null,
  value int not null,
  note text,
  version int not null default 0,
  unique (shop, name),
  unique (note)
);
alter table options enable row level security;
alter table options force row level security;
create policy tenant on options to query_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');
grant select, insert, update, delete on options to query_shop;
";

async fn fixture() -> Result<Fixture, Box<dyn std::error::Error>> {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(OPTIONS).await?;
    Ok(fixture)
}

fn new(name: &str, value: i32) -> tabellion::query::Insert<Setting> {
    Setting::insert(NewSetting {
        shop: "acme".into(),
        name: name.into(),
        value,
    })
}

#[tokio::test]
async fn a_key_that_is_taken_changes_what_is_said_or_nothing() -> Outcome {
    let fixture = fixture().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let first = new("theme", 1).set(Setting::NOTE, "kept");
    let first = first
        .on_conflict(Setting::SHOP_NAME_KEY)
        .do_update(Setting::VALUE);
    let first = first.fetch_one(&acme).await?;
    assert_eq!((first.value, first.version), (1, 0));

    let again = new("theme", 2).set(Setting::NOTE, "lost");
    let again = again
        .on_conflict(Setting::SHOP_NAME_KEY)
        .do_update(Setting::VALUE);
    let again = again.fetch_one(&acme).await?;
    assert_eq!((again.id, again.value, again.version), (first.id, 2, 1));
    assert_eq!(again.note.as_deref(), Some("kept"));
    let both = new("theme", 3).on_conflict(Setting::SHOP_NAME_KEY);
    let both = both.do_update(Setting::VALUE).do_update(Setting::NOTE);
    assert_eq!(both.execute(&acme).await?, 1);

    let nothing = || {
        new("theme", 4)
            .on_conflict(Setting::SHOP_NAME_KEY)
            .do_nothing()
    };
    assert_eq!(nothing().execute(&acme).await?, 0);
    assert_eq!(nothing().fetch_optional(&acme).await?, None);
    let free = new("font", 5)
        .on_conflict(Setting::SHOP_NAME_KEY)
        .do_nothing();
    assert_eq!(
        free.fetch_optional(&acme).await?.map(|row| row.value),
        Some(5)
    );

    let row = Setting::named("acme").eq("theme").fetch_one(&acme).await?;
    assert_eq!((row.value, row.note, row.version), (3, None, 2));
    Ok(())
}

/// A key without the tenant may be taken by a row that the scope does not see.
#[tokio::test]
async fn another_tenants_row_is_neither_changed_nor_shown() -> Outcome {
    let fixture = fixture().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    let mine = new("theme", 1).set(Setting::NOTE, "taken");
    let mine = mine.fetch_one(&acme).await?;
    let theirs = || {
        let new = NewSetting {
            shop: "other".into(),
            name: "theme".into(),
            value: 2,
        };
        let new = Setting::insert(new).set(Setting::NOTE, "taken");
        new.on_conflict(Setting::NOTE_KEY)
    };
    let refusal = Error::RowRefused {
        table: "options".into(),
    };
    let update = theirs().do_update(Setting::VALUE).fetch_one(&other).await;
    assert_eq!(refused(update), refusal);
    let nothing = theirs().do_nothing().fetch_optional(&other).await?;
    assert_eq!(nothing, None);
    // Nor does a row move to another tenant, by a column that the derive would not give.
    let shop: Column<Setting, String> = Column::new("shop");
    let moved = Setting::update(mine.id).set(shop, "other");
    assert_eq!(refused(moved.execute(&acme).await), refusal);
    let moved = Setting::named("acme").update().set(shop, "other");
    assert_eq!(refused(moved.execute(&acme).await), refusal);
    assert_eq!(Setting::find(mine.id).fetch_one(&acme).await?, mine);
    Ok(())
}

#[tokio::test]
async fn what_a_finder_finds_is_changed_and_deleted_and_nothing_else() -> Outcome {
    let fixture = fixture().await?;
    fixture.seed(10, 1).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let low = Note::by_shop("acme")
        .range(..5)
        .update()
        .set(Note::BODY, None)
        .set(Note::AMOUNT, 50);
    assert_eq!(low.execute(&acme).await?, 5);
    assert_eq!(
        fixture
            .count("notes where amount = 50 and shop = 'acme'")
            .await?,
        5
    );
    assert_eq!(fixture.count("notes where amount = 50").await?, 5);
    let seven = Note::by_shop("acme")
        .eq(7)
        .update()
        .set(Note::KIND, Kind::Visit);
    let seven = seven.fetch_all(&acme).await?;
    assert!(seven.len() == 1 && seven[0].kind == Kind::Visit && seven[0].amount == 7);
    // The partial index's predicate goes along: a visit is no call.
    assert_eq!(Note::calls_of("acme").delete().execute(&acme).await?, 9);
    let gone = Note::by_shop("acme").delete().fetch_all(&acme).await?;
    assert!(gone.len() == 1 && gone[0].kind == Kind::Visit);
    assert_eq!(fixture.count("notes").await?, 10);
    // Of another tenant there is nothing to find.
    assert_eq!(Note::by_shop("shop 1").delete().execute(&acme).await?, 0);

    let table = || "notes".to_owned();
    let limited = Note::by_shop("acme").limit(1).delete().execute(&acme).await;
    assert_eq!(refused(limited), Error::LimitedWrite { table: table() });
    let limited = Note::by_shop("acme").limit(1).update().set(Note::AMOUNT, 1);
    assert_eq!(
        refused(limited.execute(&acme).await),
        Error::LimitedWrite { table: table() }
    );
    let nothing = Note::by_shop("acme").update().execute(&acme).await;
    assert_eq!(refused(nothing), Error::NothingToUpdate { table: table() });
    let nul = Note::by_shop("acme").update().set(Note::BODY, "s3cret\0");
    let nul = refused(nul.execute(&acme).await);
    assert!(
        matches!(&nul, Error::Encode { column, .. } if column == "body"),
        "{nul}"
    );
    let nul = refused(Note::by_shop("s3cret\0").delete().execute(&acme).await);
    assert!(
        matches!(&nul, Error::Encode { column, .. } if column == "shop"),
        "{nul}"
    );
    Ok(())
}

#[tokio::test]
async fn a_row_that_somebody_else_changed_is_not_written_over() -> Outcome {
    let fixture = fixture().await?;
    let db = fixture.connect(2).await?;
    let acme = shop(&db, "acme");
    let read = new("theme", 1).fetch_one(&acme).await?;
    let change = |version, value| {
        Setting::update(read.id)
            .version(version)
            .set(Setting::VALUE, value)
    };
    let mine = change(read.version, 2)
        .fetch_optional(&acme)
        .await?
        .expect("it is there");
    assert_eq!((mine.value, mine.version), (2, 1));
    let changed = Error::RowChanged {
        table: "options".into(),
    };
    assert_eq!(
        refused(change(read.version, 3).execute(&acme).await),
        changed
    );
    assert_eq!(
        refused(change(read.version, 3).fetch_optional(&acme).await),
        changed
    );
    let stale = Setting::delete(read.id)
        .version(read.version)
        .execute(&acme)
        .await;
    assert_eq!(refused(stale), changed);
    // Of another tenant it reads the same as one that is gone.
    let theirs = change(1, 3).execute(&shop(&db, "other")).await;
    assert_eq!(refused(theirs), changed);

    // Each update raises it, whoever asks for it.
    Setting::update(read.id)
        .set(Setting::NOTE, "n")
        .execute(&acme)
        .await?;
    Setting::named("acme")
        .update()
        .set(Setting::NOTE, "m")
        .execute(&acme)
        .await?;
    assert_eq!(Setting::find(read.id).fetch_one(&acme).await?.version, 3);

    // Of two at the same time one wins.
    let (one, two) = (shop(&db, "acme"), shop(&db, "acme"));
    let (one, two) = tokio::join!(change(3, 4).execute(&one), change(3, 5).execute(&two));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(one.and(two), Err(changed));
    assert_eq!(Setting::delete(read.id).version(4).execute(&acme).await?, 1);
    Ok(())
}
