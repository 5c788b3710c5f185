use tabellion::Table;

#[derive(Table)]
#[table(renamed_from = "")]
#[policy(deny_all)]
pub struct Task {
    pub title: String,
}

fn main() {}
