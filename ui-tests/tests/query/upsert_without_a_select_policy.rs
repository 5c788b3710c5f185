use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("writes", insert, check = shop == scope.domain)]
#[policy("changes", update, using = shop == scope.domain, check = shop == scope.domain)]
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
    let new = NewTask {
        shop: "acme".into(),
        title: "call".into(),
    };
    Task::insert(new).on_conflict(Task::SHOP_TITLE_KEY).do_nothing().execute(shop).await?;
    Ok(())
}

fn main() {}
