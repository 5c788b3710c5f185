//! What must compile, and without a single lint: whoever forbids lints in their crate must still be
//! able to derive.

#![deny(missing_docs, unreachable_pub, unused, warnings)]
#![deny(clippy::all, clippy::pedantic)]
// It takes a column that stands in two indexes for a mistake; it reads what is written, not what is derived.
#![allow(clippy::duplicated_attributes)]

pub mod clashes;
pub mod enums;
pub mod every_type;
pub mod keys;
pub mod macros;
pub mod names;
pub mod no_rls;
pub mod predicates;
pub mod queries;
pub mod same_name;
pub mod stated;
pub mod visibility;
pub mod vocabulary;

fn main() {
    names::check();
    enums::check();
    visibility::check();
}
