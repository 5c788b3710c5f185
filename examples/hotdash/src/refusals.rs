//! Scopes that name nobody, and logins that row-level security would not hold.

use tabellion::error::Bypass;
use tabellion::{Database, Error, Scope, Table};

use crate::Stop;
use crate::cast::{SHOPS, USERS, shop, user};
use crate::checks::Checks;
use crate::report::Report;
use crate::setup::Stage;
use crate::tables::{
    NewSalesPulseAction, NewUserPreference, Notification, SalesActionType, SalesPulseAction, Shop,
    User, UserPreference,
};

/// Empty scopes; a superuser; a login that is no member of the role.
pub(crate) async fn prove(report: &mut Report, stage: &Stage) -> Result<(), Stop> {
    report
        .step(
            "a scope with an empty field",
            async |checks: &mut Checks| {
                let before = stage.witness.state().await?;
                empty(checks, &stage.application).await;
                before.unchanged(checks, &stage.witness.state().await?);
                checks.detail("refused before anything is sent");
                Ok(())
            },
        )
        .await?;
    report
        .step("a superuser's login", async |checks: &mut Checks| {
            let before = stage.witness.state().await?;
            let database = Database::connect(stage.database.url()).await?;
            everything(
                checks,
                &database,
                "that the login is a superuser",
                |error| {
                    matches!(
                        error,
                        Error::LoginBypasses {
                            why: Bypass::Superuser,
                            ..
                        }
                    )
                },
            )
            .await;
            before.unchanged(checks, &stage.witness.state().await?);
            checks.detail("refused, with the login to create");
            Ok(())
        })
        .await?;
    report
        .step("a login without the role", async |checks: &mut Checks| {
            let before = stage.witness.state().await?;
            let url = stage.database.create_login("outsider", &[]).await?;
            let database = Database::connect(&url).await?;
            everything(checks, &database, "that the role is not granted", |error| {
                matches!(error, Error::RoleNotGranted { .. })
            })
            .await;
            before.unchanged(checks, &stage.witness.state().await?);
            checks.detail("refused, with the grant to make");
            Ok(())
        })
        .await
}

/// Reads and writes as nobody.
async fn empty(checks: &mut Checks, application: &Database) {
    for blank in ["", " ", "\t\n"] {
        let (nobody, no_user) = (shop(application, blank), user(application, blank));
        let of = |scope: &'static [&'static str]| move |error: &Error| matches!(error, Error::EmptyScope { setting } if scope.contains(setting));
        let expected = "that the scope is empty";
        checks.refused(
            "an empty shop reads",
            expected,
            SalesPulseAction::by_shop(blank).fetch_all(&nobody).await,
            of(Shop::SETTINGS),
        );
        checks.refused(
            "an empty shop reads another's rows",
            expected,
            SalesPulseAction::by_shop(SHOPS[0]).fetch_all(&nobody).await,
            of(Shop::SETTINGS),
        );
        checks.refused(
            "an empty shop writes",
            expected,
            sale(blank).execute(&nobody).await,
            of(Shop::SETTINGS),
        );
        checks.refused(
            "an empty user reads another's rows",
            expected,
            Notification::by_user(USERS[0]).fetch_all(&no_user).await,
            of(User::SETTINGS),
        );
        checks.refused(
            "an empty user changes another's row",
            expected,
            UserPreference::update(USERS[0])
                .set(UserPreference::THEME, None)
                .execute(&no_user)
                .await,
            of(User::SETTINGS),
        );
        checks.refused(
            "an empty user deletes another's row",
            expected,
            UserPreference::delete(USERS[0]).execute(&no_user).await,
            of(User::SETTINGS),
        );
    }
}

/// Every command, through a login that is to be refused.
async fn everything(
    checks: &mut Checks,
    database: &Database,
    expected: &str,
    wanted: fn(&Error) -> bool,
) {
    let shop = shop(database, SHOPS[0]);
    let read = SalesPulseAction::by_shop(SHOPS[0]).fetch_all(&shop).await;
    checks.refused("a read", expected, read, wanted);
    let written = sale(SHOPS[0]).execute(&shop).await;
    checks.refused("an insert", expected, written, wanted);

    let user = user(database, USERS[0]);
    let found = UserPreference::find(USERS[0]).fetch_optional(&user).await;
    checks.refused("a find", expected, found, wanted);
    let new = UserPreference::insert(NewUserPreference {
        user_id: "nobody".to_owned(),
    });
    checks.refused(
        "an insert of a user",
        expected,
        new.execute(&user).await,
        wanted,
    );
    let changed = UserPreference::update(USERS[0]).set(UserPreference::THEME, None);
    checks.refused("an update", expected, changed.execute(&user).await, wanted);
    let deleted = UserPreference::delete(USERS[0]).execute(&user).await;
    checks.refused("a delete", expected, deleted, wanted);
}

fn sale(domain: &str) -> tabellion::query::Insert<SalesPulseAction> {
    SalesPulseAction::insert(NewSalesPulseAction {
        shop_domain: domain.to_owned(),
        action_type: SalesActionType::NoAction,
        created_by: "operator".to_owned(),
    })
}
