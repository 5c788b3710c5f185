//! Who is asking: a shop, or one of its users.

use tabellion::Scope;

/// A shop, by its domain.
#[derive(Clone, Scope)]
#[scope(role = "hotdash_app")]
pub struct Shop {
    /// Such as `acme.myshopify.com`.
    #[setting("app.current_shop")]
    pub domain: String,
}

/// A person who uses the dashboard.
#[derive(Clone, Scope)]
#[scope(role = "hotdash_app")]
pub struct User {
    /// The identity provider's name for the person.
    #[setting("app.current_user")]
    pub id: String,
}
