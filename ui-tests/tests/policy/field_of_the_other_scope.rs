use tabellion::Table;
use tabellion_ui_tests::{Shop, Staff};

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[policy("staff", select, scope = Staff, using = shop == scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
