use tabellion::{Scope, Table};

#[derive(Scope)]
#[scope(role = "app")]
struct Shop {
    #[setting("app.shop")]
    domain: String,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
