use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key)]
    #[allow_rule("cross-tenant-key", reason = "the numbers are public")]
    pub id: i64,
    pub shop: String,
}

fn main() {}
