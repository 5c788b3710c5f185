use tabellion::{Cursor, Error, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, priority, id), finder = "by_shop")]
#[index(columns(shop, priority), finder = "by_priority")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub priority: i16,
}

#[derive(Table)]
#[no_rls(reason = "a test")]
pub struct Note {
    pub body: String,
}

pub async fn ask(shop: &Scoped<Shop>, cursor: Cursor<Note>) -> Result<(), Error> {
    Task::by_shop("acme").after(&cursor).fetch_all(shop).await?;
    Ok(())
}

fn main() {}
