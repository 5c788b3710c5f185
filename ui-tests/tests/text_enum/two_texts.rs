use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    #[text("draft")]
    #[text("new")]
    Draft,
}

fn main() {}
