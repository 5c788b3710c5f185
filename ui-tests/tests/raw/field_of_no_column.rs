use std::collections::BTreeSet;

use tabellion::FromRow;

#[derive(FromRow)]
pub struct Load {
    pub tasks: u64,
    pub names: BTreeSet<String>,
}

fn main() {}
