use tabellion::Table;
use tabellion_ui_tests::Shop;

pub struct Size {
    pub width: i32,
}

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
#[index(columns(shop, size))]
#[unique(columns(size))]
#[check("sized", size.is_not_null())]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub size: Size,
    pub old: Option<Size>,
    pub new: Size,
}

fn main() {}
