use tabellion::{Error, Scoped};
use tabellion_ui_tests::Shop;

pub struct Load {
    pub tasks: i64,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Vec<Load>, Error> {
    shop.query_as::<Load>("select count(*) as tasks from task", ()).fetch_all().await
}

fn main() {}
