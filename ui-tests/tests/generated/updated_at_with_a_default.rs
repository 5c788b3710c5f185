use tabellion::{Table, Timestamp};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(updated_at, default = now())]
    pub changed: Timestamp,
}

fn main() {}
