use tabellion::{ReadsWholeRows, Table};
use tabellion_ui_tests::{Shop, Staff};

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", all, using = shop == scope.domain, check = shop == scope.domain)]
#[policy("names", select, scope = Staff, using = listed, columns(id, name))]
#[index(columns(shop))]
pub struct Profile {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub name: String,
    pub listed: bool,
}

impl ReadsWholeRows<'_, Profile> for Staff {}

fn main() {}
