//! examples/hotdash
fn main() {}
