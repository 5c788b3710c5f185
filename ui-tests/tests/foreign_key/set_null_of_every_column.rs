use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[foreign_key(columns(shop, boss), references = User(shop, id), on_delete = set_null(shop, boss))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: Option<String>,
    pub user: i64,
    pub boss: Option<i64>,
}

fn main() {}
