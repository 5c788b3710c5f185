use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(external, schema = "auth", name = "users", scope = Shop)]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

fn main() {}
