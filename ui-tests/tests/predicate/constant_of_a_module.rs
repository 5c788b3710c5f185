use tabellion::{Table, Uuid};
use tabellion_ui_tests::{Shop, TaskStatus};

pub mod limits {
    pub const HIGHEST: i32 = 7;
}

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", select, using = level == limits::HIGHEST)]
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
