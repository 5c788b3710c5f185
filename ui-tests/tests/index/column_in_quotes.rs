use tabellion::Table;

#[derive(Table)]
#[policy(deny_all)]
#[index(columns("level"))]
#[unique(columns("level", name))]
pub struct Task {
    pub level: i32,
    pub name: String,
}

fn main() {}
