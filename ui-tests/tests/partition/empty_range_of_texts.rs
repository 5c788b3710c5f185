use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(range(shop))]
#[partition(name = "p", from("m"), to("a"))]
pub struct Task {
    #[column(collate = "C")]
    pub shop: String,
}

fn main() {}
