use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::find(7).bypassing(shop).fetch_optional().await?;
    Ok(())
}

fn main() {}
