use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    #[text("")]
    Draft,
}

fn main() {}
