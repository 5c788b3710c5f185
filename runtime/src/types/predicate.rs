//! The type check of predicates.
//!
//! The derive writes each predicate once more as calls of these functions, in code that never runs,
//! so that rustc resolves every operand and compares their types.

use super::{ColumnType, class};
use crate::TextEnum;

/// What may stand in a predicate: a column, a field of the scope, a literal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in a predicate",
    label = "not a column type",
    note = "write the predicate as `sql(\"...\")`"
)]
pub trait Operand {
    /// What it compares with.
    type Class;
}

impl<T: ColumnType> Operand for T {
    type Class = T::Class;
}

// NULL compares as NULL, which denies; so an `Option` may stand wherever its content may.
impl<T: Operand> Operand for Option<T> {
    type Class = T::Class;
}

impl Operand for &str {
    type Class = class::Text;
}

macro_rules! literals {
    ($($(#[$doc:meta])* $name:ident: $class:ident;)*) => {$(
        $(#[$doc])*
        pub const $name: class::$class = class::$class;
        impl Operand for class::$class {
            type Class = class::$class;
        }
    )*};
}

literals! {
    /// Stands for an integer literal.
    INT: IntLiteral;
    /// Stands for a literal with a decimal point.
    FLOAT: FloatLiteral;
    /// Stands for `now()`.
    NOW: Now;
    /// Stands for a column whose type `type = "…"` states, which rustc cannot compare.
    UNCHECKED: Unchecked;
}

/// Stands for `gen_random_uuid()`.
pub const RANDOM_UUID: class::Uuid = class::Uuid;

impl Operand for class::Uuid {
    type Class = class::Uuid;
}

/// Which classes PostgreSQL compares with an operator of its own, without a cast.
#[diagnostic::on_unimplemented(
    message = "PostgreSQL has no comparison between `{Self}` and `{Other}`",
    label = "these two do not compare",
    note = "compare operands of one type, or write the predicate as `sql(\"...\")`"
)]
pub trait Compares<Other> {}

macro_rules! comparisons {
    ($($a:ident $b:ident;)*) => {$(impl Compares<class::$b> for class::$a {})*};
}

comparisons! {
    Bool Bool; Number Number; Text Text; Uuid Uuid; Jsonb Jsonb; Bytea Bytea;
    Date Date; Time Time; Timestamp Timestamp; Timestamptz Timestamptz;
    Number IntLiteral; IntLiteral Number; IntLiteral IntLiteral;
    Number FloatLiteral; FloatLiteral Number; FloatLiteral FloatLiteral;
    IntLiteral FloatLiteral; FloatLiteral IntLiteral;
    Timestamptz Now; Now Timestamptz; Timestamp Now; Now Timestamp; Date Now; Now Date;
    Unchecked Unchecked;
}

macro_rules! unchecked {
    ($($a:ident)*) => {$(
        impl Compares<class::Unchecked> for class::$a {}
        impl Compares<class::$a> for class::Unchecked {}
    )*};
}

unchecked!(Bool Number Text Uuid Jsonb Bytea Date Time Timestamp Timestamptz IntLiteral FloatLiteral Now);

impl<E: TextEnum> Compares<E> for E {}
impl<T: Compares<U>, U> Compares<class::Array<U>> for class::Array<T> {}

/// Holds where the two operands compare.
pub fn compare<A: Operand, B: Operand>(_: &A, _: &B) -> bool
where
    A::Class: Compares<B::Class>,
{
    true
}

/// Holds where the operand may stand in a predicate at all.
pub fn present<A: Operand>(_: &A) -> bool {
    true
}

/// Holds where the operand is a truth value.
pub fn truth<A: Operand<Class = class::Bool>>(_: &A) -> bool {
    true
}
