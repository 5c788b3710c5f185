use tabellion::{Scoped, Table};
use tabellion_ui_tests::Shop;

// The mistake is in the index; what the rest of the program does with the table is right.
#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, due))]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: Option<String>,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Vec<Task>, tabellion::Error> {
    let new = NewTask {
        shop: "acme".into(),
    };
    let task = Task::insert(new).set(Task::TITLE, "call").fetch_one(shop).await?;
    Task::update(task.id).set(Task::TITLE, "write").execute(shop).await?;
    Task::delete(task.id).execute(shop).await?;
    Task::by_shop("acme").limit(3).fetch_all(shop).await
}

fn main() {}
