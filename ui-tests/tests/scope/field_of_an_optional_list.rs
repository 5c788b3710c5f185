use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: Option<Vec<String>>,
}

fn main() {}
