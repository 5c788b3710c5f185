use tabellion::{Decimal, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(numeric(5, 2), default = 0.125)]
    pub rate: Decimal,
}

fn main() {}
