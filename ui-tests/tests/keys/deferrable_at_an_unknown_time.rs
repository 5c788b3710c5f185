use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[primary_key(columns(id), deferrable = never)]
pub struct Task {
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub rank: Option<i32>,
}

fn main() {}
