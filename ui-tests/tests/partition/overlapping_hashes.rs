use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(hash(id))]
#[partition(name = "p", hash(modulus = 2, remainder = 1))]
#[partition(name = "q", hash(modulus = 4, remainder = 3))]
pub struct Task {
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub rank: Option<i32>,
}

fn main() {}
