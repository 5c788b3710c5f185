//! Actions taken on the sales-pulse tile.

use tabellion::{Decimal, Json, Table, TextEnum, Timestamp};

use super::Shop;

/// What was done about a variance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum SalesActionType {
    /// Somebody follows up.
    LogFollowUp,
    /// Operations take over.
    EscalateToOps,
    /// Seen, and left alone.
    NoAction,
}

/// One action taken on the sales-pulse tile.
#[derive(Debug, Table)]
#[table(name = "sales_pulse_actions", scope = Shop)]
#[index(name = "idx_sales_actions_shop", columns(shop_domain, created_at desc), finder = "by_shop")]
#[policy("Users can view own shop sales actions", select, using = shop_domain == scope.domain)]
#[policy("Users can insert own shop sales actions", insert, check = shop_domain == scope.domain)]
pub struct SalesPulseAction {
    #[column(primary_key, serial)]
    pub id: i32,
    pub shop_domain: String,
    #[column(numeric(5, 2))]
    pub variance_pct: Option<Decimal>,
    pub action_type: SalesActionType,
    pub notes: Option<String>,
    pub created_by: String,
    #[column(default = now())]
    pub created_at: Option<Timestamp>,
    pub metadata: Option<Json>,
}
