use tabellion::Table;

#[derive(Table)]
#[no_rls(reason = "a test")]
pub struct Task;

fn main() {}
