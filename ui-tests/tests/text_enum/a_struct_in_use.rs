use tabellion::{Table, TextEnum};
use tabellion_ui_tests::Shop;

// The derive is wrong on a struct; the table that names it is right, and nothing is said of it.
#[derive(TextEnum)]
pub struct Status;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub status: Status,
}

fn main() {}
