use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users", renamed_from = "persons")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

fn main() {}
