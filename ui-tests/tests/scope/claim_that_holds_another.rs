use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct User {
    #[claim("app_metadata.org")]
    pub org: i64,
    #[claim("app_metadata")]
    pub all: String,
}

fn main() {}
