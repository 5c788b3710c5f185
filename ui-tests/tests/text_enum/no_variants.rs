use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {}

fn main() {}
