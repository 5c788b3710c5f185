use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting(name = "app.shop")]
    pub domain: String,
}

fn main() {}
