use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct User {
    #[claim("app metadata")]
    pub all: String,
}

fn main() {}
