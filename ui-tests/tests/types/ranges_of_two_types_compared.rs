use tabellion::{Range, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[check(seats == numbers)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub seats: Range<i32>,
    pub numbers: Range<i64>,
}

fn main() {}
