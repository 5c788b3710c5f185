use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[unique(columns(shop, title))]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
    #[column(version)]
    pub version: i32,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::update(7).set(Task::VERSION, 3).execute(shop).await?;
    Ok(())
}

fn main() {}
