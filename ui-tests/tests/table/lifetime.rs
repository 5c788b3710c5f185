use tabellion::Table;
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task<'a> {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(type = "text")]
    pub title: std::borrow::Cow<'a, str>,
}

fn main() {}
