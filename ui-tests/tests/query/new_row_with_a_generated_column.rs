use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub price: i32,
    #[column(generated = sql("price * 2"))]
    pub total: i32,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    let new = NewTask {
        shop: "acme".into(),
        price: 3,
        total: 6,
    };
    Task::update(7).set(Task::PRICE, 7).execute(shop).await?;
    Task::insert(new).execute(shop).await?;
    Ok(())
}

fn main() {}
