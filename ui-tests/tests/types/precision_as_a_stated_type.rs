use tabellion::{DateTime, Table, Timestamp};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "timestamptz(3)")]
    pub due: Timestamp,
    #[column(type = "timestamp(3) without time zone")]
    pub local: DateTime,
}

fn main() {}
