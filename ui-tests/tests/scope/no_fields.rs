use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {}

fn main() {}
