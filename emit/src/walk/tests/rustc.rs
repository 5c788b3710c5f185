//! rustc
