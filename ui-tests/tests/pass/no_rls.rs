//! Tables without row-level security.

use tabellion::{Database, NoScope, Scoped, Table};
use tabellion_ui_tests::Shop;

/// Nobody's in particular.
#[derive(Table)]
#[no_rls(reason = "currencies are the same for everybody; \"quoted\" -- and 'so on'")]
pub struct Currency {
    /// ISO 4217.
    #[column(primary_key)]
    pub code: String,
}

/// Read by a scope's role.
#[derive(Table)]
#[table(name = "countries", scope = Shop)]
#[no_rls(reason = "countries are the same for everybody", allow(select, insert))]
#[index(columns(name))]
pub struct Country {
    /// ISO 3166.
    #[column(primary_key)]
    pub code: String,
    /// In English.
    pub name: String,
}

/// What is allowed compiles.
///
/// # Errors
/// Whatever the database says.
pub async fn ask(db: &Database, shop: &Scoped<Shop>) -> Result<(), tabellion::Error> {
    let nobody: Scoped<NoScope> = db.scope(NoScope);
    let _ = nobody;
    let new = NewCountry {
        code: "de".into(),
        name: "Germany".into(),
    };
    let country = Country::insert(new).fetch_one(shop).await?;
    let _ = Country::by_name(country.name)
        .limit(1)
        .fetch_all(shop)
        .await?;
    Ok(())
}
