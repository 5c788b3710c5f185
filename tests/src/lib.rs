//! What the end-to-end tests share: packages outside the workspace, and their databases.

mod package;
mod readme;

pub use package::{Built, Package, workspace};
pub use readme::Readme;
