use tabellion::{Table, TextEnum};
use tabellion_ui_tests::{Shop, TaskStatus};

#[derive(TextEnum)]
pub enum Color {
    Red,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(default = Color::Red)]
    pub status: TaskStatus,
}

fn main() {}
