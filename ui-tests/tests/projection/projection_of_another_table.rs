use tabellion::{Error, Projection, Scoped, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, id), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: Option<String>,
}

#[derive(Table)]
#[no_rls(reason = "a test")]
pub struct Note {
    pub id: i64,
}

#[derive(Projection)]
#[projection(of = Note)]
pub struct Number {
    pub id: i64,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<(), Error> {
    Task::by_shop("acme").select::<Number>().fetch_all(shop).await?;
    Ok(())
}

fn main() {}
