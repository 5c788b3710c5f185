//! Inventory actions: written and read, never changed.

use tabellion::{Decimal, Scoped, Table};

use super::{returned, stamp};
use crate::Stop;
use crate::cast::ShopRows;
use crate::checks::Checks;
use crate::tables::{InventoryAction, InventoryActionType, NewInventoryAction, Shop};

/// Writes three rows, each with other columns than the required ones.
pub(super) async fn load(
    checks: &mut Checks,
    domain: &str,
    scope: &Scoped<Shop>,
) -> Result<Vec<i32>, Stop> {
    let mut keys = Vec::new();
    for (sku, action_type) in [
        ("SKU-1", InventoryActionType::ApproveReorder),
        ("SKU-2", InventoryActionType::Skip),
        ("SKU-1", InventoryActionType::RemindLater),
    ] {
        let velocity = Decimal::new(123_456, 2);
        let row = InventoryAction::insert(NewInventoryAction {
            shop_domain: domain.to_owned(),
            sku: sku.to_owned(),
            action_type,
            created_by: "operator".to_owned(),
        })
        .set(InventoryAction::QUANTITY, 40)
        .set(InventoryAction::VELOCITY_14D, velocity)
        .fetch_one(scope)
        .await?;
        let same = row.shop_domain == domain
            && row.sku == sku
            && row.action_type == action_type
            && row.quantity == Some(40)
            && row.velocity_14d == Some(velocity)
            && row.product_name.is_none()
            && row.vendor.is_none()
            && row.days_of_cover.is_none()
            && row.created_by == "operator"
            && row.metadata.is_none();
        returned(checks, InventoryAction::NAME, same, row.created_at);
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
        inventory: keys,
        ..
    } = shop;
    let by_shop = || InventoryAction::by_shop(*domain);

    let all = by_shop().fetch_all(scope).await?;
    checks.equal(format_args!("{name}: rows by shop"), keys.len(), all.len());
    let by_sku =
        all.is_sorted_by(|a, b| a.sku < b.sku || (a.sku == b.sku && a.created_at >= b.created_at));
    checks.that(
        format_args!("{name}: rows by shop"),
        "the index's order",
        "another order",
        by_sku,
    );
    let of_sku = by_shop().eq("SKU-1").fetch_all(scope).await?;
    checks.equal(format_args!("{name}: rows of a SKU"), 2, of_sku.len());
    let oldest = by_shop()
        .eq("SKU-1")
        .reverse()
        .limit(1)
        .fetch_all(scope)
        .await?;
    checks.that(
        format_args!("{name}: the oldest row of a SKU"),
        "the one that was written first",
        "another",
        oldest.iter().map(|row| row.id).eq(keys.first().copied()),
    );
    let at = stamp(oldest.first().and_then(|row| row.created_at))?;
    let at = by_shop().eq("SKU-1").eq(at).fetch_all(scope).await?;
    checks.equal(
        format_args!("{name}: rows of a SKU and a time"),
        1,
        at.len(),
    );
    for key in keys {
        let found = InventoryAction::find(*key).fetch_optional(scope).await?;
        checks.equal(format_args!("{name}: find"), 1, found.iter().count());
    }
    Ok(())
}
