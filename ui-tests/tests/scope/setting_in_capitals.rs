use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("App.Shop")]
    pub domain: String,
}

fn main() {}
