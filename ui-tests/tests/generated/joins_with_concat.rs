use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub body: String,
    #[column(generated = sql("concat(shop, body)"))]
    pub whole: String,
}

fn main() {}
