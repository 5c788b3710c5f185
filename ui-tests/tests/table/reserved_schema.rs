use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(schema = "pg_task", scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
