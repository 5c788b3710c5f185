use tabellion::Table;

#[derive(Table)]
#[table(replaces = "public.task")]
#[policy(deny_all)]
pub struct Task {
    pub title: String,
}

fn main() {}
