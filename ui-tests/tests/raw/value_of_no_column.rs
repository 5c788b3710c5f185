use tabellion::{Error, Scoped};
use tabellion_ui_tests::Shop;

pub async fn ask(shop: &Scoped<Shop>, number: u64) -> Result<u64, Error> {
    shop.execute("delete from task where id = $1", (number,)).await
}

fn main() {}
