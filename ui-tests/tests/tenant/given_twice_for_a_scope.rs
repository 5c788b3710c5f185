use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain, restrictive)]
#[tenant(owner = scope.domain, restrictive)]
#[policy("all", select, using = true)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub owner: String,
}

fn main() {}
