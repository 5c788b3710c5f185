use tabellion::{Table, Uuid};
use tabellion_ui_tests::{Shop, TaskStatus};

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", select, using = level < 2147483648)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: Option<String>,
    pub level: i32,
    pub open: bool,
    pub owner: Uuid,
    pub status: TaskStatus,
}

fn main() {}
