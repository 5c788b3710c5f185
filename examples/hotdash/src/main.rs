//! examples/hotdash
mod tables;
fn main() {}
