use tabellion::Table;
use tabellion_ui_tests::Shop;

use std::ops::Range;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub seats: Range<i32>,
}

fn main() {}
