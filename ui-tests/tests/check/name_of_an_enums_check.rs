use tabellion::Table;
use tabellion_ui_tests::{Shop, TaskStatus};

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[check("task_status_check", level >= 0)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub level: i32,
    pub status: TaskStatus,
}

fn main() {}
