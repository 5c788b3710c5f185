use tabellion::{Scope, Scoped, Table};

// The scope is broken; its table is right, and nothing is said of it.
#[derive(Scope)]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Vec<Task>, tabellion::Error> {
    Task::by_shop("acme").fetch_all(shop).await
}

fn main() {}
