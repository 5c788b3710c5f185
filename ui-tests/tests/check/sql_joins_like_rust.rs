use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[check(sql("level > 0 && rank > 0"))]
pub struct Task {
    pub level: i32,
    pub rank: i32,
}

fn main() {}
