use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[check(sql("1"))]
pub struct Task {
    pub level: i32,
}

fn main() {}
