use tabellion::Table;

#[derive(Table)]
#[no_rls(reason = "a test")]
pub enum Task {
    Open { id: i64 },
    Done { id: i64 },
}

fn main() {}
