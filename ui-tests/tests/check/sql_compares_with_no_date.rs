use tabellion::{Date, Table};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[check(sql("day < '2026-02-30'"))]
pub struct Task {
    pub day: Date,
}

fn main() {}
