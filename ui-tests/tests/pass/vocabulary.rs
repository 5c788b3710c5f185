//! What can be said of a table beyond its columns.

use tabellion::{Date, Finder, Range, Scoped, Table, Uuid};
use tabellion_ui_tests::{Shop, TaskStatus};

mod theirs {
    use tabellion::{Table, Uuid};

    /// Whoever logs in. Its fields are nobody's business, and no lint finds them unused.
    #[derive(Table)]
    #[table(external, schema = "auth", name = "users")]
    #[unique(columns(email))]
    pub(super) struct User {
        #[column(primary_key)]
        id: Uuid,
        email: Option<String>,
    }
}

/// A room.
#[derive(Table)]
#[table(scope = Shop, renamed_from = "old.chamber")]
#[tenant(shop = scope.domain)]
#[primary_key(columns(shop, number))]
#[unique(columns(shop, code), nulls_not_distinct)]
#[unique(columns(number, floor), name = "placed", deferrable = deferred)]
#[index(
    name = "room_lower",
    columns(sql("lower(code)") opclass("text_pattern_ops"), floor desc nulls_last)
)]
#[index(columns(tags), method = gin, with(fastupdate = false))]
#[index(columns(floor nulls_first), name = "room_floor")]
#[index(columns(floor, number desc), include(code), with(fillfactor = 70))]
#[index(columns(code), method = hash)]
#[index(name = "room_code_c", columns(code collate("C")), unique, nulls_not_distinct, where = status != TaskStatus::Draft)]
#[index(columns(tags opclass("array_ops")), method = "rum", name = "room_rum")]
pub struct Room {
    /// The tenant.
    pub shop: String,
    /// Counted from the door.
    pub number: i64,
    /// Above the ground.
    pub floor: Option<i32>,
    /// On the key.
    pub code: Option<String>,
    /// What there is.
    pub tags: Vec<String>,
    /// Whether it is let.
    pub status: TaskStatus,
}

/// A stay in a room.
#[derive(Table)]
#[table(scope = Shop, replaces = "visit")]
#[tenant(shop = scope.domain)]
#[foreign_key(
    columns(shop, room),
    references = Room(shop, number),
    on_delete = set_null(room),
    on_update = cascade,
    deferrable = deferred
)]
#[exclude(
    elements(shop with "=", room with "=", during with "&&"),
    where = status == TaskStatus::Sent,
    deferrable = immediate
)]
#[exclude(name = "one_code", method = hash, elements(sql("lower(shop)") with "="))]
pub struct Stay {
    /// Counted by the database.
    #[column(primary_key, identity)]
    pub id: i64,
    /// The tenant.
    pub shop: String,
    /// Where.
    pub room: Option<i64>,
    /// When.
    pub during: Range<i64>,
    /// Whether it is over.
    pub status: TaskStatus,
    /// Of another table, and of another crate's.
    #[column(references = theirs::User::id, on_delete = cascade, on_update = restrict)]
    pub guest: Uuid,
    /// Of no primary key.
    #[column(references = theirs::User::email, deferrable = immediate)]
    pub email: Option<String>,
}

/// What happened, by the year.
#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[partition_by(range(day, part))]
#[partition(name = "event_old", from(minvalue, minvalue), to("2026-01-01", -1))]
#[partition(name = "event_2026", from("2026-01-01", -1), to("2027-01-01", 0))]
#[partition(name = "event_rest", default)]
#[primary_key(columns(day, part, id), deferrable = immediate)]
#[index(columns(day, id))]
pub struct Event {
    /// Which of them.
    pub id: i64,
    /// Half of the day.
    pub part: i32,
    /// The day.
    pub day: Date,
    /// The tenant.
    pub shop: String,
}

/// By a text that stands for a variant, and by NULL.
#[derive(Table)]
#[policy(deny_all)]
#[partition_by(list(status))]
#[partition(name = "load_open", values("draft", null))]
#[partition(name = "load_done", values("sent"))]
pub struct Load {
    /// How far it is.
    pub status: Option<TaskStatus>,
}

/// By a hash.
#[derive(Table)]
#[policy(deny_all)]
#[partition_by(hash(id))]
#[partition(name = "part_0", hash(modulus = 2, remainder = 0))]
#[partition(name = "part_1", hash(modulus = 2, remainder = 1))]
pub struct Part {
    /// Which of them.
    pub id: Uuid,
}

/// An index that sorts has a finder, and so has one that hashes.
///
/// # Errors
/// Whatever the database says.
pub async fn ask(shop: &Scoped<Shop>) -> Result<(), tabellion::Error> {
    let _: Vec<Room> = Room::by_floor_number(3).fetch_all(shop).await?;
    let _: Finder<Room, ()> = Room::by_code("12");
    let _: Vec<Event> = Event::by_day_id(Date::MIN).eq(7).fetch_all(shop).await?;
    Ok(())
}
