use tabellion::TextEnum;

#[derive(TextEnum)]
pub struct Status {
    pub text: String,
}

fn main() {}
