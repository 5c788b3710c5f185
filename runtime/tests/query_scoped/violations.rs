//! A violated constraint names itself, its table and the fields of the struct that it is about.

use tabellion::{Error, Table};

use crate::support::*;

#[allow(dead_code, reason = "nobody reads the rows")]
#[derive(Debug, Table)]
#[table(name = "rooms", scope = Shop)]
#[primary_key(columns(shop, number))]
#[tenant(shop = scope.domain)]
pub(crate) struct Room {
    pub(crate) shop: String,
    pub(crate) number: i32,
}

#[allow(dead_code, reason = "nobody reads the rows")]
#[derive(Debug, Table)]
#[table(name = "desks", scope = Shop)]
#[unique(columns(shop, owner))]
#[index(name = "desks_phone", columns(shop, telephone), unique)]
#[check(width > 0 && depth >= width)]
#[check("desks_shallow", sql("depth < 500"))]
#[foreign_key(columns(shop, room), references = Room(shop, number))]
#[tenant(shop = scope.domain)]
pub(crate) struct Desk {
    #[column(primary_key)]
    pub(crate) id: i32,
    pub(crate) shop: String,
    pub(crate) owner: String,
    #[column(name = "phone")]
    pub(crate) telephone: String,
    pub(crate) width: i32,
    pub(crate) depth: i32,
    pub(crate) room: i32,
    pub(crate) kind: Kind,
}

// Where nothing is named PostgreSQL gives the names.
const DESKS: &str = "
create table rooms (shop text, number int4, primary key (shop, number));
create table desks (
  id int4 primary key,
  shop text not null,
  owner text not null,
  phone text not null,
  width int4 not null,
  depth int4 not null,
  room int4 not null,
  kind text not null check (kind = 'call'),
  unique (shop, owner),
  constraint desks_width_check check (width > 0 and depth >= width),
  constraint desks_shallow check (depth < 500),
  foreign key (shop, room) references rooms (shop, number)
);
create unique index desks_phone on desks (shop, phone);
insert into rooms values ('acme', 1);
grant select, insert, update, delete on rooms, desks to query_shop;
";

fn desk() -> NewDesk {
    NewDesk {
        id: 1,
        shop: "acme".into(),
        owner: "s3cret".into(),
        telephone: "s3cret".into(),
        width: 8,
        depth: 9,
        room: 1,
        kind: Kind::Call,
    }
}

#[tokio::test]
async fn it_names_the_fields_that_it_is_about() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(DESKS).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    Desk::insert(desk()).execute(&acme).await?;
    let other = || NewDesk {
        id: 2,
        owner: "x".into(),
        telephone: "x".into(),
        ..desk()
    };
    let cases: [(NewDesk, &str, &[&str], &str); 7] = [
        (
            NewDesk { id: 1, ..other() },
            "desks_pkey",
            &["id"],
            "`desks` already has such a row: unique constraint `desks_pkey` is violated by field `id`",
        ),
        (
            NewDesk {
                owner: "s3cret".into(),
                ..other()
            },
            "desks_shop_owner_key",
            &["shop", "owner"],
            "`desks` already has such a row: unique constraint `desks_shop_owner_key` is violated by fields `shop`, \
             `owner`",
        ),
        (
            NewDesk {
                telephone: "s3cret".into(),
                ..other()
            },
            "desks_phone",
            &["shop", "telephone"],
            "`desks` already has such a row: unique constraint `desks_phone` is violated by fields `shop`, `telephone`",
        ),
        (
            NewDesk {
                width: 10,
                ..other()
            },
            "desks_width_check",
            &["width", "depth"],
            "check constraint `desks_width_check` of `desks` is violated by fields `width`, `depth`",
        ),
        (
            NewDesk {
                depth: 500,
                ..other()
            },
            "desks_shallow",
            &["depth"],
            "check constraint `desks_shallow` of `desks` is violated by field `depth`",
        ),
        (
            NewDesk { room: 2, ..other() },
            "desks_shop_room_fkey",
            &["shop", "room"],
            "foreign key `desks_shop_room_fkey` of `desks` is violated by fields `shop`, `room`",
        ),
        (
            NewDesk {
                kind: Kind::Visit,
                ..other()
            },
            "desks_kind_check",
            &["kind"],
            "check constraint `desks_kind_check` of `desks` is violated by field `kind`",
        ),
    ];
    for (row, constraint, fields, message) in cases {
        let error = refused(Desk::insert(row).execute(&acme).await);
        assert_eq!(error.to_string(), message);
        assert_eq!(error.constraint(), Some(constraint));
        assert_eq!(error.violated_table(), Some("desks"));
        assert_eq!(error.fields(), fields);
    }
    // From the other side it is another table's constraint.
    let held = refused(Room::delete(("acme".to_owned(), 1)).execute(&acme).await);
    assert_eq!(held.constraint(), Some("desks_shop_room_fkey"));
    assert!(held.fields().is_empty() && matches!(held, Error::ForeignKey { .. }));
    Ok(())
}
