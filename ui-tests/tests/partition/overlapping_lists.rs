use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(list(shop))]
#[partition(name = "p", values("a", "b"))]
#[partition(name = "q", values("c", "b"))]
pub struct Task {
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub rank: Option<i32>,
}

fn main() {}
