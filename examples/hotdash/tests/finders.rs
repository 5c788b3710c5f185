//! Every finder of every table reads along its index: on the migrated database with many tenants' rows, as
//! the application's login, under row-level security.

use std::collections::BTreeSet;
use std::error::Error;

use hotdash::Report;
use hotdash::tables::{
    InventoryAction, Notification, SalesPulseAction, Shop, SocialPost, User, UserPreference,
};
use tabellion::migrate::Migrations;
use tabellion::testing::{FinderPlan, Server, finder_plans};
use tokio_postgres::NoTls;

const ROWS: &str = "
insert into sales_pulse_actions (shop_domain, action_type, created_by, created_at)
  select 'shop ' || n % 500, 'no_action', '', now() - n * interval '1 minute' from generate_series(1, 50000) n;
insert into inventory_actions (shop_domain, sku, action_type, created_by, created_at)
  select 'shop ' || n % 500, 'sku ' || n / 500 % 10, 'skip', '', now() - n * interval '1 minute'
  from generate_series(1, 50000) n;
insert into social_posts (shop_domain, platform, status, content, created_by, created_at)
  select 'shop ' || n % 500, 'facebook', (array['draft', 'approved', 'published'])[n / 500 % 3 + 1], '', '',
    now() - n * interval '1 minute'
  from generate_series(1, 50000) n;
insert into notifications (user_id, type, priority, title, created_at, read_at)
  select n % 500, 'alert', 'low', '', now() - n * interval '1 minute', case when n % 3 > 0 then now() end
  from generate_series(1, 50000) n;
insert into user_preferences (user_id) select n from generate_series(1, 5000) n;
analyze";

#[tokio::test]
async fn every_finder_reads_along_its_index() -> Result<(), Box<dyn Error>> {
    let mut report = Report::new(std::io::sink(), false);
    let stage = hotdash::stage(&mut report, Server::shared()?).await?;
    let (client, connection) = tokio_postgres::connect(stage.database.url(), NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(ROWS).await?;
    let url = stage
        .database
        .create_login("plans", &["hotdash_app"])
        .await?;
    let shop = Shop {
        domain: "shop 7".into(),
    };
    let user = User { id: "7".into() };
    let tables: [Vec<FinderPlan>; 5] = [
        finder_plans::<SalesPulseAction, _>(&url, &shop).await?,
        finder_plans::<InventoryAction, _>(&url, &shop).await?,
        finder_plans::<SocialPost, _>(&url, &shop).await?,
        finder_plans::<Notification, _>(&url, &user).await?,
        finder_plans::<UserPreference, _>(&url, &user).await?,
    ];
    let planned: BTreeSet<&str> = tables.iter().flatten().map(|plan| plan.index).collect();
    let sealed = Migrations::load(concat!(env!("CARGO_MANIFEST_DIR"), "/db"))?;
    // Those that have a finder: one of a table that is not listed above would be missing.
    let indexes = sealed.schema().tables.values().flat_map(|it| &it.indexes);
    let indexes: BTreeSet<&str> = indexes
        .filter(|(_, index)| {
            let mut parts = index.columns.iter();
            index.method == "btree" && parts.all(|it| it.name().is_some() && it.opclass.is_none())
        })
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(planned, indexes);
    for plan in tables.iter().flatten() {
        assert_eq!(plan.fault(), None, "{plan}");
    }
    Ok(())
}
