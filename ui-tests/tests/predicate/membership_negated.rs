use tabellion::Table;
use tabellion_ui_tests::Staff;

#[derive(Table)]
#[table(scope = Staff)]
#[primary_key(columns(staff, shop))]
#[policy("own", select, using = staff == scope.number)]
pub struct Member {
    pub staff: i64,
    pub shop: String,
}

#[derive(Table)]
#[table(scope = Staff)]
#[policy("others", select, using = !exists(Member, |m| m.shop == shop && m.staff == scope.number))]
pub struct Task {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}

fn main() {}
