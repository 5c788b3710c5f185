//! Policies as they are generated, on a real server: each attack is first shown to succeed where the
//! answer to it is missing.

#[path = "../../../syntax/tests/common/mod.rs"]
mod common;

mod banned;
mod bypass;
mod citext;
mod claims;
mod columns;
mod columns_read;
mod floats;
mod lookups;
mod membership;
mod ranges;
mod scopes;
mod settings;
mod suite;
#[allow(dead_code)] // The attacks use more of it.
mod support;
