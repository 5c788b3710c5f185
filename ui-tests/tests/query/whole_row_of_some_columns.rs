use tabellion::{Error, Scoped, Table};
use tabellion_ui_tests::{Shop, Staff};

#[derive(Table)]
#[table(scope = Shop)]
#[policy("own", all, using = shop == scope.domain, check = shop == scope.domain)]
#[policy("names", select, scope = Staff, using = listed, columns(id, name))]
#[policy("join", insert, scope = Staff, check = !listed)]
#[policy("claim", update, scope = Staff, using = !listed, check = !listed, columns(name))]
#[index(columns(shop, id desc), finder = "by_shop")]
pub struct Profile {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
    pub name: String,
    pub email: String,
    pub listed: bool,
}

pub async fn ask(shop: &Scoped<Shop>, staff: &Scoped<Staff>, new: NewProfile) -> Result<(), Error> {
    Profile::find(7).fetch_one(shop).await?;
    Profile::insert(new).execute(staff).await?;
    Profile::find(7).fetch_one(staff).await?;
    Profile::by_shop("acme").fetch_all(staff).await?;
    Profile::update(7).set(Profile::NAME, "Ada").execute(staff).await?;
    Ok(())
}

fn main() {}
