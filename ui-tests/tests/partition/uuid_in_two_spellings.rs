use tabellion::{Table, Uuid};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(list(shop))]
#[partition(name = "p", values("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))]
#[partition(name = "q", values("{A0EEBC999C0B4EF8BB6D6BB9BD380A11}"))]
pub struct Task {
    pub shop: Uuid,
}

fn main() {}
