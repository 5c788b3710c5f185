use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
#[no_rls(reason = "theirs")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
}

fn main() {}
