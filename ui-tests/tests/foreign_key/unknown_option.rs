use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[foreign_key(columns(shop, user), references = User(shop, id), on_insert = cascade)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub user: i64,
    pub boss: Option<i64>,
}

fn main() {}
