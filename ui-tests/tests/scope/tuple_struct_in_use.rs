use tabellion::{Scope, Scoped, Table};

// The scope is broken; its table is right, and nothing is said of it.
#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop(pub String);

#[derive(Table)]
#[table(scope = Shop)]
#[policy("open", select, using = public)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub public: bool,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Task, tabellion::Error> {
    Task::find(1).fetch_one(shop).await
}

fn main() {}
