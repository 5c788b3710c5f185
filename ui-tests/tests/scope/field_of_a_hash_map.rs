use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.tags")]
    pub tags: std::collections::HashMap<String, i32>,
}

fn main() {}
