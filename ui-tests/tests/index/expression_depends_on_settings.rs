use tabellion::{Table, Timestamp};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[index(columns(sql("date_trunc('day', at)")), name = "days")]
pub struct Task {
    pub at: Timestamp,
}

fn main() {}
