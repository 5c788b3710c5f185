//! A PostgreSQL schema as data, and what can be done with it without a database:
//! verify it, compare two, plan the way from one to the other, render the plan as SQL.
//!
//! Nothing here does I/O, knows Rust's syntax, or is asynchronous.
//!
//! | room | verb |
//! |---|---|
//! | [`schema`] | what a schema is |
//! | [`verify`] | what only the whole schema can tell |
//! | [`plan`] | diff two schemas, and render the statements that lead from one to the other |
//! | [`file`](mod@file) | the migration file: header, body, checksum |
//! | [`lock`] | the sealed schema and the chain of sealed migrations, as text |
//! | `access` | whether one predicate lets through more than another |
//! | [`proof`] | row-level security, proven on a database: the file that does it |
//! | [`scoped`] | what raw SQL inside a scope may be |
//! | [`literal`] | what a text says as a value of a type |
//! | `rule` (feature `parse`) | the traps of row-level security that the whole schema shows |
//! | `lint` (feature `parse`) | rules for migrations written by hand |
//! | `raw` (feature `parse`) | raw SQL expressions, parsed and resolved |

mod access;
pub mod file;
pub mod ident;
#[cfg(feature = "parse")]
pub mod lint;
pub mod literal;
pub mod lock;
pub mod plan;
pub mod proof;
#[cfg(feature = "parse")]
pub mod raw;
#[cfg(feature = "parse")]
pub mod rule;
pub mod schema;
pub mod scoped;
pub mod verify;
