use tabellion::Table;

#[derive(Table)]
#[table(name = "tasks")]
#[policy(deny_all)]
#[check("c", sql("level > 0 and shop"))]
pub struct Task {
    pub level: i32,
    pub shop: String,
}

fn main() {}
