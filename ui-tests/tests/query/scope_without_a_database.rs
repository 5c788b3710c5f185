use tabellion::{Error, Table};
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
    pub note: Option<String>,
}

pub async fn ask(shop: &Shop) -> Result<(), Error> {
    Task::by_shop("acme").fetch_all(shop).await?;
    Ok(())
}

fn main() {}
