use tabellion::Table;

#[derive(Table)]
#[no_rls(reason = "public data", allow(select))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
