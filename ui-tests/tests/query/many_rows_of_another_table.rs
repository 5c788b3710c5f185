use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("reads", select, using = shop == scope.domain)]
#[policy("writes", insert, check = shop == scope.domain)]
#[unique(columns(shop, title))]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
    pub note: Option<String>,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Other {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    let new = NewTask {
        shop: "acme".into(),
        title: "call".into(),
    };
    Other::insert_many([new]).execute(shop).await?;
    Ok(())
}

fn main() {}
