use tabellion::Table;
use tabellion_ui_tests::Shop;

type Level = i32;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "int4", default = true)]
    pub level: Level,
}

fn main() {}
