use tabellion::Scope;

#[derive(Scope)]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
