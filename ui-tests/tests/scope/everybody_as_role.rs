use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "public")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
