//! Reads one annotated item into data: `#[derive(Table)]`, `#[derive(Scope)]`, `#[derive(TextEnum)]`.
//!
//! The derive macros and the build script both read through here, so that there is one reading.
//! What comes out is *unresolved*: enumerations, scopes and other tables stand by path.
//! [`lower`] resolves it, given what those paths denote.
//!
//! | room | verb |
//! |---|---|
//! | [`ast`] | what is read |
//! | `allowed` | what of it its policies allow |
//! | `attr` | parse: attributes into `ast` |
//! | `check` | check: what one item can hold wrong |
//! | [`predicate`] | parse: a Rust expression over columns and the scope |
//! | [`lower`] | lower: `ast` into `tabellion_sql::schema` |
//! | [`seen`] | what the build script tells the derive |

mod allowed;
pub mod ast;
mod attr;
mod check;
pub mod lower;
pub mod predicate;
mod report;
mod rust_type;
mod rustdoc;
mod scope;
pub mod seen;
mod table;
mod text_enum;

use std::hash::{DefaultHasher, Hash, Hasher};

pub use report::Report;
pub use scope::scope;
pub use table::table;
pub use text_enum::text_enum;

/// A number that differs where two readings of an item differ; spans play no part in it.
///
/// Compared only within one build, where both sides were compiled by the same toolchain.
pub fn fingerprint(item: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}
