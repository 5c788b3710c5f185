use tabellion::Scope;

#[derive(Scope)]
#[scope(create)]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
