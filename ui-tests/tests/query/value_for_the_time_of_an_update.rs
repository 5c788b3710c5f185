use tabellion::{Error, Scoped, Table, Timestamp};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub price: i32,
    #[column(updated_at)]
    pub changed: Timestamp,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    let new = NewTask {
        shop: "acme".into(),
        price: 3,
    };
    Task::update(7).set(Task::CHANGED, Timestamp::UNIX_EPOCH).execute(shop).await?;
    Task::insert(new).execute(shop).await?;
    Ok(())
}

fn main() {}
