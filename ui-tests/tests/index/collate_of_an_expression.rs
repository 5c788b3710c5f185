use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(name = "task_note_idx", columns(sql("body ->> 'note'") collate("C")))]
#[index(name = "task_next_idx", columns(sql("level + 1") collate("C")))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub body: tabellion::Json,
    pub level: i32,
}

fn main() {}
