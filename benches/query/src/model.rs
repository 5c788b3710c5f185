//! The tables, ten columns each.

// A page is read as structs, of which nobody looks at each field.
#![allow(dead_code)]

use tabellion::{Scope, Table, Timestamp};

/// Who is asking.
#[derive(Scope)]
#[scope(role = "bench_shop")]
pub struct Shop {
    /// Whose rows.
    #[setting("app.current_shop")]
    pub domain: String,
}

/// An order of 1,000,000, those of 1,000 shops.
#[derive(Debug, Table)]
#[table(name = "orders", scope = Shop)]
#[index(columns(shop, created_at desc), finder = "by_shop")]
#[tenant(shop = scope.domain)]
pub struct Order {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub customer: String,
    pub status: String,
    pub quantity: i32,
    pub cents: i64,
    pub weight: f64,
    pub express: bool,
    pub note: Option<String>,
    pub created_at: Timestamp,
}

/// An order that comes in, of 100,000.
#[derive(Debug, Table)]
#[table(name = "arrivals", scope = Shop)]
#[index(columns(shop, created_at desc), finder = "by_shop")]
#[tenant(shop = scope.domain)]
pub struct Arrival {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub customer: String,
    pub status: String,
    pub quantity: i32,
    pub cents: i64,
    pub weight: f64,
    pub express: bool,
    pub note: Option<String>,
    pub created_at: Timestamp,
}

/// An old order, of the 1,000,000 of one shop.
#[derive(Debug, Table)]
#[table(name = "archive", scope = Shop)]
#[index(columns(shop, id), finder = "by_shop")]
#[tenant(shop = scope.domain)]
pub struct Archived {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub customer: String,
    pub status: String,
    pub quantity: i32,
    pub cents: i64,
    pub weight: f64,
    pub express: bool,
    pub note: Option<String>,
    pub created_at: Timestamp,
}
