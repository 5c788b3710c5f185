use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(varchar(3), default = "äöü")]
    pub fits: String,
    #[column(varchar(3), default = "four")]
    pub code: String,
    #[column(char(2), default = "CHE")]
    pub country: String,
}

fn main() {}
