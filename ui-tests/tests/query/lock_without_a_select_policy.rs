use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", update, using = shop == scope.domain, check = shop == scope.domain)]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    shop.transaction(async |tx| {
        Task::find(7).for_no_key_update().fetch_one(tx).await?;
        Ok::<_, Error>(())
    })
    .await
}

fn main() {}
