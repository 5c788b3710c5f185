//! The language of predicates, all of it.

use std::net::IpAddr;

use tabellion::{Decimal, Interval, IpCidr, MacAddr, Range, Scope, Table, Timestamp, Uuid};
use tabellion_ui_tests::TaskStatus;

/// Who asks.
#[derive(Scope)]
#[scope(role = "app", create)]
pub struct Person {
    /// A text.
    #[setting("app.shop")]
    pub shop: String,
    /// A UUID.
    #[setting("app.person")]
    pub id: Uuid,
    /// A number.
    #[setting("app.level")]
    pub level: i64,
}

/// Compared with everything that compares.
#[derive(Table)]
#[table(scope = Person)]
#[index(columns(shop, level desc), unique, where = !archived && status != TaskStatus::Sent)]
#[index(columns(level), where = sql("level > 3 and lower(shop) <> ''"), finder = "high")]
#[check(level >= 0 && level <= 100)]
#[check("rated", rate.is_null() || rate > 0.5 || rate == 0)]
#[check("kinds", sql("status <> 'sent' or \"Body\" is not null"))]
#[policy(
    "reads",
    select,
    using = (shop == scope.shop || owner == scope.id) && !(archived || level < -1)
)]
#[policy("writes", insert, check = scope.level >= level && shop.is_in([scope.shop, "all"]))]
#[policy(
    "changes",
    update,
    using = owner == scope.id && status.is_in([TaskStatus::Draft, TaskStatus::Sent]),
    check = due > now() && due.is_not_null() && backup == true
)]
#[policy(
    "deletes",
    delete,
    using = sql("exists (select 1 from members m where m.shop = predicates.shop and m.at < now())")
)]
pub struct Predicates {
    /// A key.
    #[column(primary_key, default = gen_random_uuid())]
    pub id: Uuid,
    /// A text.
    pub shop: String,
    /// A UUID that may be NULL.
    pub owner: Option<Uuid>,
    /// A number.
    pub level: i32,
    /// A number of another kind.
    pub rate: Option<Decimal>,
    /// A condition by itself.
    pub archived: bool,
    /// One that may be NULL.
    pub backup: Option<bool>,
    /// An enumeration.
    pub status: TaskStatus,
    /// A time.
    pub due: Option<Timestamp>,
    /// Another name.
    #[column(name = "Body")]
    pub body: Option<String>,
}

/// Two predicates whose names begin like a tenant's, each with its own.
#[derive(Table)]
#[table(scope = Person)]
#[policy("tenant_reads", select, using = shop == scope.shop)]
#[policy("tenant_writes", insert, check = level == scope.level)]
pub struct LikeATenant {
    /// A text.
    pub shop: String,
    /// A number.
    pub level: i64,
    /// Of a type that rustc does not compare.
    #[column(type = "citext", default = "x")]
    pub code: String,
}

/// What compares among networks, spans of time and ranges.
#[derive(Table)]
#[no_rls(reason = "a test")]
#[check(address == network && device != spare && every < longest && seats.is_not_null())]
#[check("another", during == before || addresses != earlier || code == "a" || country == code)]
pub struct Others {
    /// An address.
    pub address: IpAddr,
    /// A network, which compares with an address.
    pub network: Option<IpCidr>,
    /// A device.
    pub device: MacAddr,
    /// Another.
    pub spare: MacAddr,
    /// A span of time.
    pub every: Interval,
    /// A longer one.
    pub longest: Interval,
    /// Numbers.
    pub seats: Option<Range<i32>>,
    /// Times.
    pub during: Range<Timestamp>,
    /// Other times.
    pub before: Option<Range<Timestamp>>,
    /// An array.
    pub addresses: Vec<IpAddr>,
    /// Another.
    pub earlier: Vec<IpAddr>,
    /// A text of limited length.
    #[column(varchar(5))]
    pub code: String,
    /// A text of a fixed length.
    #[column(char(2))]
    pub country: String,
}

/// Who may not.
#[derive(Table)]
#[table(scope = Person)]
#[primary_key(columns(person, shop))]
#[policy("own", select, using = person == scope.id)]
pub struct Banned {
    /// A UUID.
    pub person: Uuid,
    /// A text.
    pub shop: String,
}

/// For all but them.
#[derive(Table)]
#[table(scope = Person)]
#[policy("others", select, using = !exists(Banned, |b| b.shop == shop && b.person == scope.id))]
pub struct Post {
    /// A key.
    #[column(primary_key)]
    pub id: i64,
    /// A text.
    pub shop: String,
}
