use tabellion::Table;
use tabellion_ui_tests::Shop;

type Code = String;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "text(3)")]
    pub code: Code,
}

fn main() {}
