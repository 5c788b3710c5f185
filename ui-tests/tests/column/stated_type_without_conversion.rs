use tabellion::Table;
use tabellion_ui_tests::Shop;

pub struct Address {
    pub bits: u32,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "inet")]
    pub address: Address,
}

fn main() {}
