use tabellion::{Date, Table};

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
pub struct Task {
    pub shop: String,
    #[column(generated = sql("shop::date"))]
    pub day: Option<Date>,
}

fn main() {}
