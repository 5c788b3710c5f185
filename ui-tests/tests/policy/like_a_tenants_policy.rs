use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("tenant_a", select, using = shop == scope.domain)]
#[policy("tenant_b", insert, check = title == 1)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub title: String,
}

fn main() {}
