use std::rc::Rc;

use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    #[column(type = "citext")]
    pub tags: Rc<String>,
}

fn main() {}
