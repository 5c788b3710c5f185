use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app", create, external)]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
