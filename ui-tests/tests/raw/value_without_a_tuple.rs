use tabellion::{Error, Scoped};
use tabellion_ui_tests::Shop;

pub async fn ask(shop: &Scoped<Shop>) -> Result<u64, Error> {
    shop.execute("delete from task where id = $1", 7).await
}

fn main() {}
