use tabellion::{Json, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(body))]
#[index(columns(parts))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "json")]
    pub body: Json,
    #[column(type = "json[]")]
    pub parts: Vec<Json>,
}

fn main() {}
