use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
#[policy(deny_all)]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

fn main() {}
