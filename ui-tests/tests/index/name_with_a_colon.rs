use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[index(columns(level), name: "i")]
pub struct Task {
    pub level: i32,
}

fn main() {}
