use tabellion::Table;

#[derive(Table)]
#[table(external, schema = "auth", name = "users")]
pub struct User {
    #[column(primary_key)]
    pub id: i64,
    pub seen: Seen,
}

/// No enum.
pub struct Seen;

fn main() {}
