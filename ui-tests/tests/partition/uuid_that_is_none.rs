use tabellion::{Table, Uuid};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(list(shop))]
#[partition(name = "p", values("a0eebc99"))]
pub struct Task {
    pub shop: Uuid,
}

fn main() {}
