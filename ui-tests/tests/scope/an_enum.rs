use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub enum Shop {
    Acme,
}

fn main() {}
