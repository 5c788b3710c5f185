use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("read", select, using = shop == scope.domain, columns(id, title, titel, id))]
#[policy("remove", delete, using = shop == scope.domain, columns(title))]
#[policy("add", insert, check = shop == scope.domain, columns(shop))]
#[policy("tick", update, using = shop == scope.domain, check = shop == scope.domain, columns(done, done, id, colour))]
#[policy("guard", all, restrictive, using = shop == scope.domain, check = shop == scope.domain, columns(done))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
    #[column(default = false)]
    pub done: bool,
}

#[derive(Table)]
#[table(scope = Shop)]
#[policy("add", insert, check = shop == scope.domain, columns())]
pub struct Note {
    pub shop: String,
}

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", all, using = shop == scope.domain, check = shop == scope.domain, columns(shop))]
pub struct Page {
    pub shop: String,
}

fn main() {}
