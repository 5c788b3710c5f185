use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(range(shop))]
#[index(columns(shop collate("C")), unique)]
pub struct Task {
    pub shop: String,
}

fn main() {}
