use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop<T> {
    #[setting("app.shop")]
    pub domain: T,
}

fn main() {}
