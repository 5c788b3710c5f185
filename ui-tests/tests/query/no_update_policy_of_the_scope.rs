use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::{Shop, Staff};

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[policy("staff", select, scope = Staff, using = true)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
}

pub async fn ask(staff: &Scoped<Staff>) -> Result<(), Error> {
    Task::find(7).fetch_one(staff).await?;
    Task::update(7).set(Task::TITLE, "sweep").execute(staff).await?;
    Ok(())
}

fn main() {}
