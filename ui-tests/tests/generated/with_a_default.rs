use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub price: i32,
    pub quantity: i32,
    #[column(generated = sql("price * quantity"), default = 0)]
    pub total: i32,
}

fn main() {}
