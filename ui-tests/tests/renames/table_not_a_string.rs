use tabellion::Table;

#[derive(Table)]
#[table(renamed_from = job)]
#[policy(deny_all)]
pub struct Task {
    pub title: String,
}

fn main() {}
