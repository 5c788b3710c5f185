use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(range(id))]
#[partition(name = "p", from("one"), to("two"))]
pub struct Task {
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub rank: Option<i32>,
}

fn main() {}
