use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

#[derive(Table)]
#[policy(deny_all)]
pub struct Task {
    #[column(primary_key, references = User::id)]
    pub id: i32,
}

fn main() {}
