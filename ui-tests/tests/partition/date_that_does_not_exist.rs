use tabellion::{Date, Table};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(range(day))]
#[partition(name = "p", from("2026-01-01"), to("2026-02-30"))]
pub struct Task {
    pub day: Date,
}

fn main() {}
