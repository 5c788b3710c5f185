use tabellion::Scope;

#[derive(Scope)]
#[scope(role = "pg_read_all_data")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

fn main() {}
