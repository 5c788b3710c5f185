use tabellion::Table;

#[derive(Table)]
#[table(scope = "Shop")]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
