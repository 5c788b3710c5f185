use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    #[text("dra\0ft")]
    Draft,
}

fn main() {}
