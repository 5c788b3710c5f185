//! Actions taken on the inventory tile.

use tabellion::{Decimal, Json, Table, TextEnum, Timestamp};

use super::Shop;

/// What was decided about a product that runs low.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum InventoryActionType {
    /// Order more.
    ApproveReorder,
    /// Leave it.
    Skip,
    /// Ask again later.
    RemindLater,
}

/// One action taken on the inventory tile.
#[derive(Debug, Table)]
#[table(name = "inventory_actions", scope = Shop)]
#[index(
    name = "idx_inventory_actions_shop_sku",
    columns(shop_domain, sku, created_at desc),
    finder = "by_shop"
)]
#[policy("Users can view own shop inventory actions", select, using = shop_domain == scope.domain)]
#[policy("Users can insert own shop inventory actions", insert, check = shop_domain == scope.domain)]
pub struct InventoryAction {
    #[column(primary_key, serial)]
    pub id: i32,
    pub shop_domain: String,
    pub sku: String,
    pub product_name: Option<String>,
    pub action_type: InventoryActionType,
    pub quantity: Option<i32>,
    pub vendor: Option<String>,
    #[column(numeric(5, 2))]
    pub days_of_cover: Option<Decimal>,
    #[column(numeric(8, 2))]
    pub velocity_14d: Option<Decimal>,
    pub created_by: String,
    #[column(default = now())]
    pub created_at: Option<Timestamp>,
    pub metadata: Option<Json>,
}
