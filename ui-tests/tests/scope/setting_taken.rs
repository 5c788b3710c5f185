use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
    #[setting("app.shop")]
    pub user: i64,
}

fn main() {}
