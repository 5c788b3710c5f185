use tabellion::{Table, Timestamp};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[partition_by(range(at))]
#[partition(name = "p", from("2026-01-01 00:00+00"), to("2026-02-01T00:00:00Z"))]
#[partition(name = "q", from("2026-02-01 00:30+01:00"), to("2026-03-01 00:00+00"))]
pub struct Task {
    pub at: Timestamp,
}

fn main() {}
