use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
#[scope(role = "admin")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
