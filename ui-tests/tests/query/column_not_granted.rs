use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("read", select, using = shop == scope.domain)]
#[policy("add", insert, check = shop == scope.domain, columns(shop, title))]
#[policy("tick", update, using = shop == scope.domain, check = shop == scope.domain, columns(done))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
    #[column(default = false)]
    pub done: bool,
}

pub async fn change(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::update(7).set(Task::DONE, true).execute(shop).await?;
    Task::update(7).set(Task::TITLE, "other").execute(shop).await?;
    Ok(())
}

fn main() {}
