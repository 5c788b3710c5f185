use tabellion::Table;

#[derive(Table)]
#[policy(deny_all)]
#[unique(columns(shop, number))]
pub struct User {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub number: i32,
}

#[derive(Table)]
#[policy(deny_all)]
#[foreign_key(columns(shop, boss), references = User(shop, number), on_update = set_null(boss))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: Option<String>,
    pub boss: Option<i32>,
}

fn main() {}
