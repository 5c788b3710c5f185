//! The way back, and forth again.

use tabellion::Table;
use tabellion::migrate::{Event, MigrateError, RollbackOptions, RollbackTarget};

use crate::Stop;
use crate::cast::{SHOPS, shop};
use crate::checks::{Checks, count};
use crate::report::Report;
use crate::setup::{self, Stage};
use crate::tables::{NewSalesPulseAction, SalesActionType, SalesPulseAction};

/// Rolls the migration back, compares the catalog with the one before it, applies it again.
///
/// # Errors
/// What keeps one of the steps from being done.
pub async fn undo(report: &mut Report, stage: &mut Stage) -> Result<(), Stop> {
    let Stage {
        engine,
        migrations,
        before,
        application,
        ..
    } = stage;
    let everything = |accept_data_loss| RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss,
        accept_wider_access: false,
    };
    report
        .step(
            "roll back, loss not accepted",
            async |checks: &mut Checks| {
                let found = match engine.rollback(migrations, &everything(false)).await {
                    Err(MigrateError::DataLoss { losses, .. }) => {
                        checks.detail(format!(
                            "refused: it drops {}",
                            count(losses.len(), "table")
                        ));
                        "a refusal"
                    }
                    Err(other) => return Err(other.into()),
                    Ok(_) => "that it was done",
                };
                checks.equal("a rollback that loses data", "a refusal", found);
                Ok(())
            },
        )
        .await?;
    report
        .step("roll back", async |checks: &mut Checks| {
            let undone = engine.rollback(migrations, &everything(true)).await?;
            checks.equal("migrations undone", migrations.iter().count(), undone.len());
            checks.detail(count(undone.len(), "migration"));
            Ok(())
        })
        .await?;
    report
        .step("compare the catalog", async |checks: &mut Checks| {
            let now = engine.snapshot(migrations.schema().namespaces()).await?;
            let findings = before.diff(&now);
            let first = findings
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            checks.that(
                "the catalog after the rollback",
                "as before",
                &first,
                findings.is_empty(),
            );
            checks.detail("as before the migration");
            Ok(())
        })
        .await?;
    setup::apply(report, engine, migrations, "apply it again").await?;
    setup::verify(report, engine, migrations, "verify it again").await?;
    report
        .step("write and read again", async |checks: &mut Checks| {
            // The pool's connections know the tables that were dropped: what they have prepared must
            // not stand in the way of the new ones.
            let acme = shop(application, SHOPS[0]);
            let empty = SalesPulseAction::by_shop(SHOPS[0]).fetch_all(&acme).await?;
            checks.equal("rows of the dropped table", 0, empty.len());
            let new = SalesPulseAction::insert(NewSalesPulseAction {
                shop_domain: SHOPS[0].to_owned(),
                action_type: SalesActionType::LogFollowUp,
                created_by: "operator".to_owned(),
            });
            let id = new.fetch_one(&acme).await?.id;
            let found = SalesPulseAction::find(id).fetch_optional(&acme).await?;
            checks.equal("rows found in the new table", 1, found.iter().count());
            let globex = shop(application, SHOPS[1]);
            let found = SalesPulseAction::find(id).fetch_optional(&globex).await?;
            checks.equal("rows found by the other shop", 0, found.iter().count());
            checks.detail("on the connections of before");
            Ok(())
        })
        .await?;
    report
        .step("read the ledger", async |checks: &mut Checks| {
            let history = engine.history().await?;
            let events: Vec<&str> = history.iter().map(|entry| entry.event.as_str()).collect();
            let once = |event: Event| migrations.iter().map(move |_| event.as_str());
            let expected: Vec<&str> = once(Event::Applied)
                .chain(once(Event::RolledBack))
                .chain(once(Event::Applied))
                .collect();
            checks.equal("the ledger", expected.join(", "), events.join(", "));
            checks.detail(events.join(", "));
            Ok(())
        })
        .await
}
