use tabellion::{Scoped, Table};
use tabellion_ui_tests::Shop;

// Without an answer nothing says what is allowed; that is no reason to refuse every query as well.
#[derive(Table)]
#[table(scope = Shop)]
#[index(columns(shop))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Vec<Task>, tabellion::Error> {
    let new = NewTask {
        shop: "acme".into(),
    };
    Task::insert(new).execute(shop).await?;
    Task::by_shop("acme").fetch_all(shop).await
}

fn main() {}
