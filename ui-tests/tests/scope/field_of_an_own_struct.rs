use tabellion::Scope;

pub struct Size {
    pub width: i32,
}

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.size")]
    pub size: Size,
    
}

fn main() {}
