use std::rc::Rc;

use tabellion::{Json, Table};
use tabellion_ui_tests::Shop;

/// What no other thread may have.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Tags {
    #[serde(skip)]
    pub names: Rc<String>,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop))]
pub struct Task {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    pub tags: Json<Tags>,
}

fn main() {}
