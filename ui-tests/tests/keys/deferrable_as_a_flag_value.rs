use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[unique(columns(level), deferrable = true)]
pub struct Task {
    pub level: i32,
}

fn main() {}
