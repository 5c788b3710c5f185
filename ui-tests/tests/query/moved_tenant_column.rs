use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
}

pub async fn give_away(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::update(7)
        .set(Task::TITLE, "yours")
        .set(Task::SHOP, "other")
        .execute(shop)
        .await?;
    Task::by_shop("acme").update().set(Task::SHOP, "other").execute(shop).await?;
    Ok(())
}

fn main() {}
