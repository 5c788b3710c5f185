use tabellion::{MacAddr, Table};
use tabellion_ui_tests::Shop;

use std::net::IpAddr;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[check(address == device)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub address: IpAddr,
    pub device: MacAddr,
}

fn main() {}
