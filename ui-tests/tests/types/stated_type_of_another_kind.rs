use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "inet")]
    pub level: i32,
    #[column(type = "int4range")]
    pub name: String,
    #[column(type = "tsvector")]
    pub words: Vec<String>,
}

fn main() {}
