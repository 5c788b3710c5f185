use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
#[setting("app.shop")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
