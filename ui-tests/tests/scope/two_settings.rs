use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.shop")]
    #[setting("app.domain")]
    pub domain: String,
}

fn main() {}
