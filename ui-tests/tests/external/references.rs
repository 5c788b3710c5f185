use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
    #[column(references = User::id)]
    pub boss: Option<i64>,
}

fn main() {}
