use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop(pub String);

fn main() {}
