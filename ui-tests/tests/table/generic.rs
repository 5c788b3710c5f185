use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, body))]
pub struct Task<T> {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub body: T,
}

fn main() {}
