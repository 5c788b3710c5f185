use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(collate = "C")]
    pub from: std::net::IpAddr,
    #[column(type = "own", collate = "C")]
    pub own: String,
}

fn main() {}
