use tabellion::{Table, Tsvector};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub body: String,
    #[column(generated = sql("to_tsvector(body)"))]
    pub words: Tsvector,
}

fn main() {}
