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

#[diagnostic::do_not_recommend]
impl<T: ColumnType> Operand for T {
    type Class = T::Class;
}

// NULL compares as NULL, which denies; so an `Option` may stand wherever its content may.
#[diagnostic::do_not_recommend]
impl<T: Operand> Operand for Option<T> {
    type Class = T::Class;
}

#[diagnostic::do_not_recommend]
impl Operand for &str {
    type Class = class::Text;
}

macro_rules! literals {
    ($($(#[$doc:meta])* $name:ident: $class:ident;)*) => {$(
        $(#[$doc])*
        pub const $name: class::$class = class::$class;
        #[diagnostic::do_not_recommend]
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

#[diagnostic::do_not_recommend]
impl Operand for class::Uuid {
    type Class = class::Uuid;
}

/// What PostgreSQL compares with an operator of its own, without a cast.
#[diagnostic::on_unimplemented(
    message = "a predicate cannot compare `{Self}` with `{Other}`",
    label = "not to be compared with `{Other}`",
    note = "compare operands of one type, or write the predicate as `sql(\"...\")`"
)]
pub trait ComparesWith<Other> {}

#[diagnostic::do_not_recommend]
impl<A: Operand, B: Operand> ComparesWith<B> for A where A::Class: Compares<B::Class> {}

/// The same for classes of types.
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
    Unchecked Unchecked;
    Interval Interval; Inet Inet; MacAddr MacAddr; Tsvector Tsvector; Vector Vector;
    Int4Range Int4Range; Int8Range Int8Range; NumRange NumRange;
    DateRange DateRange; TsRange TsRange; TstzRange TstzRange;
}

macro_rules! unchecked {
    ($($a:ident)*) => {$(
        impl Compares<class::Unchecked> for class::$a {}
        impl Compares<class::$a> for class::Unchecked {}
    )*};
}

unchecked!(
    Bool Number Text Uuid Jsonb Bytea Date Time Timestamp Timestamptz IntLiteral FloatLiteral
    Interval Inet MacAddr Tsvector Vector
    Int4Range Int8Range NumRange DateRange TsRange TstzRange
);

impl<E: TextEnum> Compares<E> for E {}
impl<E: TextEnum> Compares<class::Unchecked> for E {}
impl<E: TextEnum> Compares<E> for class::Unchecked {}
impl<T: Compares<U>, U> Compares<class::Array<U>> for class::Array<T> {}

/// What PostgreSQL puts in an order that means something.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no order in a predicate but that of its texts in the alphabet; list the variants that are \
               meant, as in `is_in([...])`",
    label = "compared by `<`, `<=`, `>` or `>=`"
)]
pub trait Ordered {}

#[diagnostic::do_not_recommend]
impl<A: Operand> Ordered for A where A::Class: Order {}

/// What `now()` compares with whatever time zone the session has.
#[diagnostic::on_unimplemented(
    message = "a predicate cannot compare `{Self}` with `now()`",
    label = "no moment, but a date or time of some time zone",
    note = "`now()` is a moment, and the session's time zone would decide which date and time that is: make the column \
            a `timestamptz`, or say which zone, as in `sql(\"due < now() at time zone 'UTC'\")`"
)]
pub trait ComparesWithNow {}

#[diagnostic::do_not_recommend]
impl<A: Operand> ComparesWithNow for A where A::Class: Moment {}

/// A class of types that are a moment.
pub trait Moment {}

impl Moment for class::Timestamptz {}
impl Moment for class::Now {}
impl Moment for class::Unchecked {}

/// A class of types with an order: all but a `TextEnum`, whose variants are texts.
pub trait Order {}

macro_rules! ordered {
    ($($class:ident)*) => {$(impl Order for class::$class {})*};
}

ordered!(
    Bool Number Text Uuid Jsonb Bytea Date Time Timestamp Timestamptz IntLiteral FloatLiteral
    Interval Inet MacAddr Tsvector Vector
    Int4Range Int8Range NumRange DateRange TsRange TstzRange Unchecked
);

impl<T: Order> Order for class::Array<T> {}

/// What is true or false.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither true nor false",
    label = "not a condition",
    note = "compare it, as in `level > 0`"
)]
pub trait Condition {}

#[diagnostic::do_not_recommend]
impl<A: Operand> Condition for A where A::Class: Truth {}

/// The same for classes of types.
pub trait Truth {}

impl Truth for class::Bool {}
impl Truth for class::Unchecked {}

/// Holds where the two operands compare.
pub fn compare<A: ComparesWith<B>, B>(_: &A, _: &B) -> bool {
    true
}

/// Holds where the operand may come before another one of its type.
pub fn ordered<A: Ordered>(_: &A) -> bool {
    true
}

/// Holds where the operand compares with `now()`.
pub fn with_now<A: ComparesWithNow>(_: &A) -> bool {
    true
}

/// Holds where the operand may stand in a predicate at all.
pub fn present<A: Operand>(_: &A) -> bool {
    true
}

/// Holds where the operand is a truth value.
pub fn truth<A: Condition>(_: &A) -> bool {
    true
}
