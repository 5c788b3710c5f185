use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("reads", select, using = shop == scope.domain)]
#[unique(columns(shop, title))]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub note: Option<String>,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::by_shop("acme").update().set(Task::TITLE, "call").execute(shop).await?;
    Ok(())
}

fn main() {}
