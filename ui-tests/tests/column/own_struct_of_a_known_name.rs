use tabellion::Table;
use tabellion_ui_tests::Shop;

pub struct Timestamp {
    pub seconds: i64,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub due: Timestamp,
}

fn main() {}
