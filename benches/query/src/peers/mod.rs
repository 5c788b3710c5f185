//! Who is compared, and what each is asked to do.
//!
//! Each does it as its users must: a transaction that takes on the scope, the statement, and the commit. Only the
//! two without row-level security leave the scope out; they are what the others are measured against.

mod bare;
mod bound;
mod diesel;
mod pipelined;
mod seaorm;
mod sqlx;
mod tabellion;
mod toasty;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use jiff::Timestamp;

pub(crate) type Fault = Box<dyn Error + Send + Sync>;

/// What one operation of a peer will give.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// How many rows a page of the latest has.
pub(crate) const PAGE: usize = 20;

/// The tenant of the rows that are streamed, and of those that are inserted.
pub(crate) const BIG: &str = "big.example";

/// Where a peer connects, and how.
pub(crate) struct Place<'a> {
    pub(crate) url: &'a str,
    pub(crate) connections: u32,
    /// Whether its pool looks at a connection before it hands it out, as each does unless told otherwise. Where
    /// one connection is measured alone, users would hold it, so there none looks.
    pub(crate) checks: bool,
}

/// A row to insert.
#[derive(Debug, Clone)]
pub(crate) struct New {
    pub(crate) customer: String,
    pub(crate) status: String,
    pub(crate) quantity: i32,
    pub(crate) cents: i64,
    pub(crate) weight: f64,
    pub(crate) express: bool,
    pub(crate) note: Option<String>,
    pub(crate) created_at: Timestamp,
}

/// What came out of a stream.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    pub(crate) cents: i64,
}

impl Sum {
    pub(crate) fn add(&mut self, cents: i64) {
        self.rows += 1;
        self.cents += cents;
    }
}

/// One of those that are compared, with its connections.
pub(crate) trait Peer: Send + Sync {
    fn name(&self) -> &'static str;

    /// The latest orders of a shop as structs; how many there were. None where it does not take part.
    fn latest<'a>(&'a self, _shop: &'a str) -> Option<Work<'a, usize>> {
        None
    }

    /// Inserts them all, or none; how many it wrote.
    fn insert(&self, _rows: Vec<New>) -> Option<Work<'_, u64>> {
        None
    }

    /// Reads the whole archive, a struct for each row.
    fn stream(&self) -> Option<Work<'_, Sum>> {
        None
    }
}

/// Everybody, the bare query first.
pub(crate) async fn all(place: &Place<'_>) -> Result<Vec<Box<dyn Peer>>, Fault> {
    Ok(vec![
        Box::new(bare::Bare::connect(place).await?),
        Box::new(tabellion::Tabellion::connect(place).await?),
        Box::new(pipelined::Pipelined::connect(place).await?),
        Box::new(sqlx::Sqlx::connect(place).await?),
        Box::new(diesel::Diesel::connect(place)?),
        Box::new(seaorm::SeaOrm::connect(place).await?),
        Box::new(toasty::Toasty::connect(place).await?),
    ])
}

/// What the server takes by itself, and another way to insert by hand.
pub(crate) async fn beside(place: &Place<'_>) -> Result<Vec<Box<dyn Peer>>, Fault> {
    Ok(vec![
        Box::new(pipelined::CopyThenSelect::connect(place).await?),
        Box::new(bound::Bound::connect(place).await?),
    ])
}
