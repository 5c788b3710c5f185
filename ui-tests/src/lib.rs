//! What the cases share: who asks, and an enumeration.
//!
//! A case is one mistake, so it should hold nothing else.

use tabellion::{Scope, TextEnum};

/// A shop, by its domain.
#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    /// The shop's domain.
    #[setting("app.shop")]
    pub domain: String,
}

/// Somebody who works for every shop.
#[derive(Scope)]
#[scope(role = "staff")]
pub struct Staff {
    /// The number of the person.
    #[setting("app.staff")]
    pub number: i64,
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum TaskStatus {
    /// Not yet sent.
    Draft,
    /// Sent.
    Sent,
}

impl TaskStatus {
    /// Where every task starts.
    pub const FIRST: TaskStatus = TaskStatus::Draft;
}
