//! What the end-to-end tests share: packages outside the workspace, and their databases.

mod package;

pub use package::{Built, Package};
