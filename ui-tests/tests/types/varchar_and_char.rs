use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(varchar(2), char(2))]
    pub code: String,
}

fn main() {}
