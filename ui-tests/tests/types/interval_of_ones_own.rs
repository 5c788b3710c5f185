use tabellion::Table;
use tabellion_ui_tests::Shop;

pub enum Interval {
    Month,
    Year,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub every: Interval,
}

fn main() {}
