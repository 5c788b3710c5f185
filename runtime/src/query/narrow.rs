//! What may narrow a finder: values and ranges for the next of its index's columns.

use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};

use crate::IntoValue;
use crate::types::Param;

/// A value of the next of an index's columns, whose types are the tuple `Columns`.
#[diagnostic::on_unimplemented(
    message = "the index has no next column that takes a `{Self}`",
    label = "no column is left, or it is of another type",
    note = "a finder of an index with more columns narrows further; behind a range none can"
)]
pub trait NextValue<Columns> {
    /// The next column's type.
    type Column: Param;
    /// The types of those after it.
    type Rest;

    /// The value that is sent.
    fn into_column(self) -> Self::Column;
}

/// A range of values: `from..to`, `from..`, `..to`, with `=` or without, or a pair of [`Bound`]s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no range of values",
    label = "not a range",
    note = "give a range such as `from..to`, `from..` or `..=to`; `.eq(value)` takes a single value"
)]
pub trait ValueRange {
    /// What the range is of.
    type Value;

    /// Where it begins, and where it ends.
    fn into_bounds(self) -> (Bound<Self::Value>, Bound<Self::Value>);
}

macro_rules! ranges {
    ($($range:ty, $it:ident => $from:expr, $to:expr;)*) => {$(
        impl<V> ValueRange for $range {
            type Value = V;

            fn into_bounds(self) -> (Bound<V>, Bound<V>) {
                let $it = self;
                ($from, $to)
            }
        }
    )*};
}

ranges! {
    Range<V>, it => Bound::Included(it.start), Bound::Excluded(it.end);
    RangeFrom<V>, it => Bound::Included(it.start), Bound::Unbounded;
    RangeTo<V>, it => Bound::Unbounded, Bound::Excluded(it.end);
    RangeToInclusive<V>, it => Bound::Unbounded, Bound::Included(it.end);
    (Bound<V>, Bound<V>), it => it.0, it.1;
}

impl<V> ValueRange for RangeInclusive<V> {
    type Value = V;

    fn into_bounds(self) -> (Bound<V>, Bound<V>) {
        let (start, end) = self.into_inner();
        (Bound::Included(start), Bound::Included(end))
    }
}

macro_rules! next {
    ($next:ident $($rest:ident)*) => {
        impl<V, $next, $($rest),*> NextValue<($next, $($rest,)*)> for V
        where
            V: IntoValue<$next>,
            $next: Param,
        {
            type Column = $next;
            type Rest = ($($rest,)*);

            fn into_column(self) -> $next {
                self.into_value()
            }
        }
        next!($($rest)*);
    };
    () => {};
}

next!(A B C D E F G H I J K L M N O P);
