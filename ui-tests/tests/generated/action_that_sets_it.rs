use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(generated = sql("1"), references = Task::id, on_delete = set_null, on_update = cascade)]
    pub parent: Option<i64>,
}

fn main() {}
