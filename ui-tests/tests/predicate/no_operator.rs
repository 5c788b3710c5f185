use tabellion::{Json, Table};
use tabellion_ui_tests::Shop;

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", select, using = shop == scope.domain && before == after)]
#[check("same", here == there || at.is_in([here]))]
#[check("older", made < touched)]
#[index(columns(shop))]
pub struct Note {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    #[column(type = "json")]
    pub before: Json,
    #[column(type = "json")]
    pub after: Json,
    #[column(collate = "C")]
    pub here: String,
    #[column(collate = "en-x-icu")]
    pub there: String,
    #[column(collate = "POSIX")]
    pub at: String,
    #[column(type = "xid")]
    pub made: u32,
    #[column(type = "xid")]
    pub touched: u32,
}

fn main() {}
