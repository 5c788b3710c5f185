//! A shop's rows: sales-pulse actions, inventory actions, posts.

mod inventory;
mod posts;
mod sales;

use tabellion::{Scoped, Timestamp};

use crate::Stop;
use crate::cast::{Cast, ShopRows};
use crate::checks::Checks;
use crate::report::Report;
use crate::tables::Shop;

/// Writes a shop's rows: three in each table.
pub(crate) async fn load(
    checks: &mut Checks,
    name: &'static str,
    domain: &'static str,
    scope: Scoped<Shop>,
) -> Result<ShopRows, Stop> {
    let sales = sales::load(checks, domain, &scope).await?;
    let inventory = inventory::load(checks, domain, &scope).await?;
    let posts = posts::load(checks, domain, &scope).await?;
    Ok(ShopRows {
        name,
        domain,
        scope,
        sales,
        inventory,
        posts,
    })
}

/// Every typed helper of the shops' tables, for each shop.
pub(crate) async fn helpers(report: &mut Report, cast: &Cast) -> Result<(), Stop> {
    report
        .step("sales_pulse_actions", async |checks: &mut Checks| {
            for shop in &cast.shops {
                sales::helpers(checks, shop).await?;
            }
            checks.detail("by_shop, find; no update, no delete");
            Ok(())
        })
        .await?;
    report
        .step("inventory_actions", async |checks: &mut Checks| {
            for shop in &cast.shops {
                inventory::helpers(checks, shop).await?;
            }
            checks.detail("by_shop, find; no update, no delete");
            Ok(())
        })
        .await?;
    report
        .step("social_posts", async |checks: &mut Checks| {
            for shop in &cast.shops {
                posts::helpers(checks, shop).await?;
            }
            checks.detail("by_shop, find, update, delete");
            Ok(())
        })
        .await
}

/// Checks a row that an insert returned.
pub(crate) fn returned(
    checks: &mut Checks,
    table: &'static str,
    same: bool,
    stamped: Option<Timestamp>,
) {
    let name = crate::witness::plain(table);
    checks.that(
        format_args!("{name}: the row returned"),
        "what was sent",
        "something else",
        same,
    );
    checks.that(
        format_args!("{name}: the time that was not sent"),
        "the database's default",
        "no value",
        stamped.is_some(),
    );
}

/// The time that the database gave a row.
pub(crate) fn stamp(created_at: Option<Timestamp>) -> Result<Timestamp, Stop> {
    created_at.ok_or_else(|| Stop::new("a row has no time of its own; see the column's default"))
}
