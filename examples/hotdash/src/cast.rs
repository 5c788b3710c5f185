//! Who plays: two shops and two users, each with rows of their own.

use tabellion::{Database, Json, Scoped};

use crate::checks::{Checks, count};
use crate::report::Report;
use crate::setup::Stage;
use crate::tables::{Shop, User};
use crate::{Stop, shops, users};

/// The shops' domains.
pub(crate) const SHOPS: [&str; 2] = ["acme.myshopify.com", "globex.myshopify.com"];
/// The users' names.
pub(crate) const USERS: [&str; 2] = ["ada", "grace"];

/// The shops and the users, each behind a scope of its own.
pub(crate) struct Cast {
    pub(crate) shops: [ShopRows; 2],
    pub(crate) users: [UserRows; 2],
}

/// A shop, and the keys of its rows in the order in which they were written.
pub(crate) struct ShopRows {
    /// Its name in the report.
    pub(crate) name: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) scope: Scoped<Shop>,
    pub(crate) sales: Vec<i32>,
    pub(crate) inventory: Vec<i32>,
    pub(crate) posts: Vec<i32>,
}

/// A user, and the keys of the notifications. The key of the preferences is the user.
pub(crate) struct UserRows {
    pub(crate) id: &'static str,
    pub(crate) scope: Scoped<User>,
    pub(crate) notifications: Vec<i32>,
}

/// The database as a shop sees it.
pub(crate) fn shop(database: &Database, domain: &str) -> Scoped<Shop> {
    database.scope(Shop {
        domain: domain.to_owned(),
    })
}

/// The database as a user sees it.
pub(crate) fn user(database: &Database, id: &str) -> Scoped<User> {
    database.scope(User { id: id.to_owned() })
}

/// A JSON object with one member.
pub(crate) fn json(name: &str, value: impl Into<serde_json::Value>) -> Json {
    let member = (name.to_owned(), value.into());
    Json(serde_json::Value::Object([member].into_iter().collect()))
}

/// Writes everybody's rows, and a row of nobody's into each table.
pub(crate) async fn load(report: &mut Report, stage: &Stage) -> Result<Cast, Stop> {
    let database = &stage.application;
    let shops = report
        .step("insert rows of two shops", async |checks: &mut Checks| {
            let [acme, globex] = SHOPS;
            let shops = [
                shops::load(checks, "acme", acme, shop(database, acme)).await?,
                shops::load(checks, "globex", globex, shop(database, globex)).await?,
            ];
            let rows = |shop: &ShopRows| shop.sales.len() + shop.inventory.len() + shop.posts.len();
            let rows = shops.iter().map(rows).sum();
            checks.detail(format!("{} into three tables", count(rows, "row")));
            Ok(shops)
        })
        .await?;
    let users = report
        .step("insert rows of two users", async |checks: &mut Checks| {
            let [ada, grace] = USERS;
            let users = [
                users::load(checks, ada, user(database, ada)).await?,
                users::load(checks, grace, user(database, grace)).await?,
            ];
            let rows = users.iter().map(|user| user.notifications.len() + 1).sum();
            checks.detail(format!("{} into two tables", count(rows, "row")));
            Ok(users)
        })
        .await?;
    report
        .step("plant rows of nobody", async |checks: &mut Checks| {
            stage.witness.plant_orphans().await?;
            checks.detail("one in each table, by the superuser");
            Ok(())
        })
        .await?;
    Ok(Cast { shops, users })
}
