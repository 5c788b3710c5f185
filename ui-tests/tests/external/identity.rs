use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
pub struct User {
    #[column(primary_key, identity)]
    pub id: i64,
}

fn main() {}
