use tabellion::Table;

#[derive(Table)]
#[policy(deny_all)]
#[unique(columns(shop, number))]
pub struct User {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub number: i32,
}

#[derive(Table)]
#[policy(deny_all)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: Option<String>,
    #[column(references = User::id, type = "citext")]
    pub boss: String,
}

fn main() {}
