use tabellion::{Table, Timestamp};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(name = "", scope = Shop, owner = "me")]
#[index(columns(titel, shop), finder = "by shop")]
#[index(columns(shop), where = due > now())]
#[unique(columns(shop, shop))]
#[check(level => 0)]
#[check("sane", levle >= 0)]
#[foreign_key(columns(user), references = User(shop, id))]
#[policy("own", select, using = shopp == scope.domain)]
#[policy("own", insert, using = shop == scope.domain)]
#[policy("any", update, using = true, check = sql("shop = $1"))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: Option<i64>,
    pub shop: String,
    #[column(primary_key, default = 7)]
    pub title: String,
    pub level: u8,
    #[column(numeric(5, 2))]
    pub user: i64,
    pub xmin: i64,
    pub tags: std::collections::HashMap<String, String>,
    #[column(default = "soon")]
    pub due: Timestamp,
}

fn main() {}
