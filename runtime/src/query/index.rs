//! An index as queries see it.

/// An index that has a finder. Written by the derive.
#[doc(hidden)]
#[derive(Debug)]
pub struct Index {
    /// The index's own name.
    pub name: &'static str,
    /// The finder's name, for traces.
    pub finder: &'static str,
    /// The columns as SQL, each with its order.
    pub columns: &'static [(&'static str, Order)],
    /// Which rows a partial index holds, as SQL; empty where it holds all.
    pub predicate: &'static [Piece],
}

/// The order of an index's column, and where NULLs stand in it.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// From small to large; no NULL is among them.
    Ascending,
    /// From large to small; no NULL is among them.
    Descending,
    /// From small to large, then NULLs.
    AscendingNullsLast,
    /// NULLs, then from large to small.
    DescendingNullsFirst,
    /// NULLs, then from small to large.
    AscendingNullsFirst,
    /// From large to small, then NULLs.
    DescendingNullsLast,
}

impl Order {
    /// The same index read backwards.
    pub(super) fn reversed(self) -> Self {
        match self {
            Order::Ascending => Order::Descending,
            Order::Descending => Order::Ascending,
            Order::AscendingNullsLast => Order::DescendingNullsFirst,
            Order::DescendingNullsFirst => Order::AscendingNullsLast,
            Order::AscendingNullsFirst => Order::DescendingNullsLast,
            Order::DescendingNullsLast => Order::AscendingNullsFirst,
        }
    }

    /// What stands behind the column in ORDER BY.
    pub(super) fn as_sql(self) -> &'static str {
        match self {
            Order::Ascending | Order::AscendingNullsLast => "",
            Order::Descending | Order::DescendingNullsFirst => " desc",
            Order::AscendingNullsFirst => " nulls first",
            Order::DescendingNullsLast => " desc nulls last",
        }
    }

    pub(super) fn descends(self) -> bool {
        matches!(
            self,
            Order::Descending | Order::DescendingNullsFirst | Order::DescendingNullsLast
        )
    }

    /// Whether NULLs come behind every value, in front of them, or not at all.
    pub(super) fn nulls_last(self) -> Option<bool> {
        match self {
            Order::Ascending | Order::Descending => None,
            Order::AscendingNullsLast | Order::DescendingNullsLast => Some(true),
            Order::AscendingNullsFirst | Order::DescendingNullsFirst => Some(false),
        }
    }
}

/// A piece of a partial index's predicate.
#[doc(hidden)]
#[derive(Debug)]
pub enum Piece {
    /// SQL as it stands.
    Sql(&'static str),
    /// A variant's text, which becomes a literal.
    Text(fn() -> &'static str),
}
