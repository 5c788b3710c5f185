use tabellion::FromRow;

#[derive(FromRow)]
pub struct Load(i64);

#[derive(FromRow)]
pub struct Other<T> {
    pub a: T,
}

#[derive(FromRow)]
pub struct Names {
    #[column(name = "a", type = "text")]
    pub a: i32,
    #[column(name = "twice")]
    pub b: i32,
    pub twice: i32,
}

fn main() {}
