use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting]
    pub domain: String,
}

fn main() {}
