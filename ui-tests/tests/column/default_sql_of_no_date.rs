use tabellion::{Date, Table};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
pub struct Task {
    #[column(default = sql("date '2026-02-30'"))]
    pub day: Date,
}

fn main() {}
