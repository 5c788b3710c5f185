use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app", login)]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
