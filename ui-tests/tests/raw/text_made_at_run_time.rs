use tabellion::{Error, Scoped};
use tabellion_ui_tests::Shop;

pub async fn ask(shop: &Scoped<Shop>, name: &str) -> Result<u64, Error> {
    let sql = format!("delete from task where name = '{name}'");
    shop.execute(&sql, ()).await
}

fn main() {}
