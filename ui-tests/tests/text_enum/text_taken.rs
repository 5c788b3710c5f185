use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    Draft,
    #[text("draft")]
    New,
}

fn main() {}
