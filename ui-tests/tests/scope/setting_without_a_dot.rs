use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("shop")]
    pub domain: String,
}

fn main() {}
