//! Keys of several columns, and references to them.

use tabellion::{Scoped, Table, Uuid};
use tabellion_ui_tests::Shop;

/// What is referenced.
#[derive(Table)]
#[table(scope = Shop)]
#[primary_key(columns(shop, number))]
#[unique(columns(number, code), name = "once")]
#[unique(columns(code))]
#[tenant(shop = scope.domain)]
pub struct Parent {
    /// The tenant.
    pub shop: String,
    /// Counted by the database.
    #[column(identity(by_default))]
    pub number: i64,
    /// Unique everywhere.
    pub code: Uuid,
}

/// What references.
#[derive(Table)]
#[table(scope = Shop)]
#[foreign_key(columns(shop, parent), references = Parent(shop, number), on_delete = cascade)]
#[foreign_key(columns(shop, other), references = self::Parent(shop, number), name = "to_other")]
#[tenant(shop = scope.domain)]
pub struct Child {
    /// A key of another type.
    #[column(primary_key, default = gen_random_uuid())]
    pub id: Uuid,
    /// The tenant.
    pub shop: String,
    /// Always there.
    pub parent: i64,
    /// Perhaps there.
    pub other: Option<i64>,
    /// Of one column.
    #[column(references = crate::keys::Parent::code, on_delete = set_null)]
    pub code: Option<Uuid>,
    /// With a default to fall back to.
    #[column(references = Parent::code, on_delete = set_default, default = gen_random_uuid())]
    pub another: Uuid,
    /// To itself.
    #[column(references = Child::id, on_delete = restrict)]
    pub before: Option<Uuid>,
}

/// A key is a tuple in its own order.
///
/// # Errors
/// Whatever the database says.
pub async fn ask(shop: &Scoped<Shop>, id: Uuid) -> Result<(), tabellion::Error> {
    let _: Option<Parent> = Parent::find(("acme".to_owned(), 7))
        .fetch_optional(shop)
        .await?;
    Parent::delete(("acme".to_owned(), 7)).execute(shop).await?;
    Child::update(id)
        .set(Child::OTHER, 7)
        .set(Child::CODE, None)
        .execute(shop)
        .await?;
    Ok(())
}
