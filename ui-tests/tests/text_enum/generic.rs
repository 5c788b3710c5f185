use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status<const N: usize> {
    Draft,
}

fn main() {}
