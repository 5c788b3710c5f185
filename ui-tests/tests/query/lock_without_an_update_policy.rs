use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", select, using = shop == scope.domain)]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    shop.transaction(async |tx| {
        Task::find(7).for_update().fetch_optional(tx).await?;
        Task::by_shop("acme").for_share().fetch_all(tx).await?;
        Ok::<_, Error>(())
    })
    .await
}

fn main() {}
