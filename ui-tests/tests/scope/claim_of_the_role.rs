use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct User {
    #[claim("role")]
    pub role: String,
}

fn main() {}
