use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("read", select, using = shop == scope.domain, columns(id, "group"))]
pub struct Task {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    pub group: String,
}

fn main() {}
