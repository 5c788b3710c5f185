use tabellion::TextEnum;

#[derive(TextEnum)]
pub enum Status {
    #[text = "draft"]
    Draft,
}

fn main() {}
