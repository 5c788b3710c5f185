//! PostgreSQL tables from Rust structs: migrations that are proven, row-level security that cannot
//! be forgotten, and queries that cannot leave their tenant.
//!
//! A struct with `#[derive(Table)]` is a table, one with `#[derive(Scope)]` says who is asking. The
//! build script of the crate `tabellion-build` writes their SQL; [`migrate`] applies it; a
//! [`Database`] seen by a scope answers what the policies allow, and nothing else compiles:
//!
//! ```no_run
//! # use tabellion::{Database, Scope, Table};
//! # #[derive(Scope)]
//! # #[scope(role = "shop_app")]
//! # pub struct Shop {
//! #     #[setting("app.current_shop")]
//! #     pub domain: String,
//! # }
//! # #[derive(Table)]
//! # #[table(name = "tasks", scope = Shop)]
//! # #[index(columns(shop_domain, id desc), finder = "by_shop")]
//! # #[tenant(shop_domain = scope.domain)]
//! # pub struct Task {
//! #     #[column(primary_key, identity)]
//! #     pub id: i64,
//! #     pub shop_domain: String,
//! # }
//! # async fn latest(url: &str) -> Result<(), tabellion::Error> {
//! let db = Database::connect(url).await?;
//! let shop = db.scope(Shop { domain: "acme.example".into() });
//! let latest = Task::by_shop("acme.example").limit(20).fetch_all(&shop).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Each statement is a transaction of its own, and one round trip: the scope, its role and its
//! settings, travels with it and ends with it.
//!
//! | room | job |
//! |---|---|
//! | [`database`](Database) | connections, TLS, the pool, which logins are refused |
//! | [`scope`] | who is asking |
//! | [`table`] | what a table is, and what its policies let it do |
//! | [`query`] | finders, inserts, updates, deletes |
//! | [`transaction`](Transaction) | several statements together or not at all |
//! | `wire` | one flight: scope and statement in, committed rows out |
//! | [`error`] | what can go wrong, without a row's value in it |
//! | [`migrate`], [`catalog`] | sealed migrations, and what a database really holds |
//! | [`types`], [`guard`] | what the derives let rustc check |

mod bypass;
pub mod catalog;
mod database;
pub mod error;
pub mod guard;
#[cfg(feature = "json")]
mod json;
pub mod migrate;
pub mod query;
mod row;
pub mod scope;
pub mod table;
#[cfg(feature = "testing")]
pub mod testing;
mod text_enum;
mod transaction;
pub mod types;
mod value;
mod wire;

pub use bypass::Bypass;
pub use database::{Builder, Database};
pub use error::Error;
#[cfg(feature = "json")]
pub use json::Json;
#[doc(hidden)]
pub use query::Index;
pub use query::{Cursor, Finder, FromRow, Page, Projection, RowStream, each};
pub use row::Row;
pub use scope::{NoScope, Scope, Scoped};
pub use tabellion_macros::{FromRow, Projection, Scope, Table, TextEnum};

/// The sealed migrations of this package, embedded in the program: `migrations!()` for the folder `db`,
/// `migrations!("supabase")` for another, relative to the package. An expression of type
/// [`migrate::Migrations`], for a program that applies what it was built with, as in
/// `engine.apply(&tabellion::migrations!(), &ApplyOptions::default())`.
///
/// A lock that cannot be used, and a file that is not as it was sealed, stop the build at this place.
/// Cargo builds anew whenever one of the files changes.
pub use tabellion_macros::migrations;
pub use table::{
    AllowsDelete, AllowsInsert, AllowsSelect, AllowsUpdate, Column, HasPrimaryKey, HasVersion,
    NewRow, ReadsWholeRows, Table,
};
pub use text_enum::TextEnum;
pub use transaction::{Isolation, Transaction, TransactionOptions};
pub use types::{Interval, MacAddr, Range, Tsvector};
pub use value::{IntoValue, Params};

#[cfg(feature = "cidr")]
pub use cidr::{IpCidr, IpInet};
#[cfg(feature = "ipnet")]
pub use ipnet::IpNet;
#[cfg(feature = "jiff")]
pub use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
};
#[cfg(feature = "pgvector")]
pub use pgvector::Vector;
#[cfg(feature = "decimal")]
pub use rust_decimal::Decimal;
#[cfg(feature = "uuid")]
pub use uuid::Uuid;

/// For the code that the derives write.
#[doc(hidden)]
pub mod __private {
    pub use crate::migrate::{Embedded, embedded as migrations};
    pub use crate::text_enum::from_sql as text_enum_from_sql;
    pub use bytes::BytesMut;
    pub use postgres_types::to_sql_checked;
    pub use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

    /// The result of a conversion from or to SQL.
    pub type ConversionResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
}
