use tabellion::{Date, DateTime, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("over", select, using = day < now())]
#[policy("late", delete, using = now() > at)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub day: Date,
    pub at: Option<DateTime>,
}

fn main() {}
