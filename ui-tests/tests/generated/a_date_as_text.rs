use tabellion::{Date, Table};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
pub struct Task {
    pub day: Date,
    #[column(generated = sql("day::text"))]
    pub made: Option<String>,
}

fn main() {}
