use tabellion::Table;
use tabellion_ui_tests::Shop;

pub struct Vector(pub f32, pub f32);

#[derive(Table)]
#[table(scope = Shop)]
#[tenant(shop = scope.domain)]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    #[column(vector(2))]
    pub place: Vector,
}

fn main() {}
