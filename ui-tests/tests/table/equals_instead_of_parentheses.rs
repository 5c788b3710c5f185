use tabellion::Table;

#[derive(Table)]
#[table = "tasks"]
#[no_rls(reason = "a test")]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
