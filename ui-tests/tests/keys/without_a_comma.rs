use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[unique(columns(level) name = "u")]
pub struct Task {
    pub level: i32,
}

fn main() {}
