use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(default = sql("'high'"))]
    pub level: i16,
    #[column(default = sql("'maybe'"))]
    pub done: bool,
}

fn main() {}
