use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[index(columns(level), method = 1)]
pub struct Task {
    pub level: i32,
}

fn main() {}
