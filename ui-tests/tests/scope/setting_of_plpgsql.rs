use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("plpgsql.shop")]
    pub domain: String,
}

fn main() {}
