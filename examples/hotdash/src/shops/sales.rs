//! Sales-pulse actions: written and read, never changed.

use tabellion::{Decimal, Error, Scoped, Table};

use super::{returned, stamp};
use crate::Stop;
use crate::cast::{ShopRows, json};
use crate::checks::Checks;
use crate::tables::{NewSalesPulseAction, SalesActionType, SalesPulseAction, Shop};

/// Writes three rows, each with other columns than the required ones.
pub(super) async fn load(
    checks: &mut Checks,
    domain: &str,
    scope: &Scoped<Shop>,
) -> Result<Vec<i32>, Stop> {
    let mut keys = Vec::new();
    for action_type in [
        SalesActionType::LogFollowUp,
        SalesActionType::EscalateToOps,
        SalesActionType::NoAction,
    ] {
        let variance = Decimal::new(-1250, 2);
        let row = SalesPulseAction::insert(NewSalesPulseAction {
            shop_domain: domain.to_owned(),
            action_type,
            created_by: "operator".to_owned(),
        })
        .set(SalesPulseAction::VARIANCE_PCT, variance)
        .set(SalesPulseAction::METADATA, json("source", "tile"))
        .fetch_one(scope)
        .await?;
        let same = row.shop_domain == domain
            && row.action_type == action_type
            && row.variance_pct == Some(variance)
            && row.notes.is_none()
            && row.created_by == "operator"
            && row.metadata == Some(json("source", "tile"));
        returned(checks, SalesPulseAction::NAME, same, row.created_at);
        keys.push(row.id);
    }
    Ok(keys)
}

/// Every typed helper of the table.
pub(super) async fn helpers(checks: &mut Checks, shop: &ShopRows) -> Result<(), Stop> {
    let ShopRows {
        name,
        domain,
        scope,
        sales: keys,
        ..
    } = shop;
    let by_shop = || SalesPulseAction::by_shop(*domain);

    let all = by_shop().fetch_all(scope).await?;
    checks.equal(format_args!("{name}: rows by shop"), keys.len(), all.len());
    let newest_first = all.is_sorted_by(|a, b| a.created_at >= b.created_at);
    checks.that(
        format_args!("{name}: rows by shop"),
        "the newest first",
        "another order",
        newest_first,
    );
    let two = by_shop().limit(2).fetch_all(scope).await?;
    let first_two = two
        .iter()
        .map(|row| row.id)
        .eq(all.iter().take(2).map(|row| row.id));
    checks.that(
        format_args!("{name}: limit(2)"),
        "the first two rows",
        "others",
        first_two,
    );
    let oldest = by_shop().reverse().fetch_one(scope).await?;
    checks.that(
        format_args!("{name}: reverse"),
        "the oldest row first",
        "another",
        keys.first() == Some(&oldest.id),
    );
    let at = by_shop()
        .eq(stamp(oldest.created_at)?)
        .fetch_optional(scope)
        .await?;
    checks.that(
        format_args!("{name}: eq on the next column"),
        "the row of that time",
        "another, or none",
        at.is_some_and(|row| row.created_at == oldest.created_at),
    );
    for key in keys {
        let found = SalesPulseAction::find(*key).fetch_one(scope).await?;
        checks.equal(format_args!("{name}: find"), *key, found.id);
    }
    checks.refused(
        format_args!("{name}: find with a key that nobody has"),
        "that there is no such row",
        SalesPulseAction::find(i32::MAX).fetch_one(scope).await,
        |error| matches!(error, Error::NotFound { .. }),
    );
    let beyond = SalesPulseAction::insert(NewSalesPulseAction {
        shop_domain: (*domain).to_owned(),
        action_type: SalesActionType::NoAction,
        created_by: "operator".to_owned(),
    })
    .set(SalesPulseAction::VARIANCE_PCT, Decimal::new(1_000_000, 2));
    checks.refused(
        format_args!("{name}: a figure beyond numeric(5, 2)"),
        "the column that has no room for it",
        beyond.execute(scope).await,
        |error| matches!(error, Error::TooLarge { .. }),
    );
    Ok(())
}
