use tabellion::{Projection, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, id), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: Option<String>,
}

#[derive(Projection)]
#[projection(of = Task)]
pub struct Title {
    pub id: i64,
    pub title: String,
}

fn main() {}
