use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    Draft,
    Sent(i64),
}

fn main() {}
