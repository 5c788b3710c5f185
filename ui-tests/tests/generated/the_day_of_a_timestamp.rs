use tabellion::{Date, Table, Timestamp};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
pub struct Task {
    pub at: Timestamp,
    #[column(generated = sql("at::date"))]
    pub day: Option<Date>,
}

fn main() {}
