use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[primary_key(columns(shop, title))]
#[primary_key(columns(id))]
pub struct Task {
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub note: Option<String>,
}

fn main() {}
