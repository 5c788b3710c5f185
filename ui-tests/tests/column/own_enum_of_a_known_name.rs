use tabellion::{Table, TextEnum};
use tabellion_ui_tests::Shop;

#[derive(TextEnum)]
pub enum Date {
    Today,
    Tomorrow,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub due: Date,
}

fn main() {}
