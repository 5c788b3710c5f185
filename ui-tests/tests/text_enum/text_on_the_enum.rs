use tabellion::TextEnum;

#[derive(TextEnum)]
#[text("status")]
pub enum Status {
    Draft,
}

fn main() {}
