use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
    pub r#type: i64,
}

fn main() {}
