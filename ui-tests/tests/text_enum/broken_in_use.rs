use tabellion::{Scoped, Table, TextEnum};
use tabellion_ui_tests::Shop;

// The enum is broken; its table is right, and nothing is said of it.
#[derive(TextEnum)]
pub enum Status {
    Draft,
    #[text("draft")]
    Sent,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, status), where = status == Status::Draft)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(default = Status::Draft)]
    pub status: Status,
    pub before: Option<Status>,
    pub all: Vec<Status>,
}

pub async fn ask(shop: &Scoped<Shop>) -> Result<Vec<Task>, tabellion::Error> {
    Task::by_shop_status("acme").eq(Status::Draft).fetch_all(shop).await
}

fn main() {}
