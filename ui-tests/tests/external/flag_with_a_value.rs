use tabellion::Table;

#[derive(Table)]
#[table(external = true, schema = "auth", name = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

fn main() {}
