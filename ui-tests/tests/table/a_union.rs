use tabellion::Table;

#[derive(Table)]
#[no_rls(reason = "a test")]
pub union Task {
    pub id: i64,
    pub level: i32,
}

fn main() {}
