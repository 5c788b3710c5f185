//! A type of one's own, beside the SQL type that it stands for.

use postgres_types::{FromSql, ToSql};
use tabellion::Table;
use tabellion::types::Param;
use tabellion_ui_tests::Shop;

/// Text that ignores case.
#[derive(Debug, FromSql, ToSql)]
#[postgres(transparent)]
pub struct Folded(String);

impl Param for Folded {
    fn into_sql(self) -> Box<dyn ToSql + Send + Sync> {
        Box::new(self)
    }
}

/// Plain, optional, a key, in an index, in predicates.
#[derive(Table)]
#[table(scope = Shop)]
#[index(columns(email, other))]
#[check("no_spam", email != "spam@example.com" || other.is_null())]
#[policy("own", select, using = email == scope.domain && other != email)]
pub struct Account {
    /// A key.
    #[column(primary_key, type = "citext")]
    pub email: Folded,
    /// May be NULL.
    #[column(type = "citext", default = "nobody@example.com")]
    pub other: Option<Folded>,
}
