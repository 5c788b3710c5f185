use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "varchar(20)")]
    pub code: String,
    #[column(type = "character varying")]
    pub note: String,
    #[column(type = "char(2)[]")]
    pub countries: Vec<String>,
}

fn main() {}
