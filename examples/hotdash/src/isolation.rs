//! One tenant at the other's rows, through the typed helpers, and the state afterwards.

use std::fmt::Display;

use tabellion::query::{Delete, Finder, Insert, Update};
use tabellion::{
    AllowsDelete, AllowsInsert, AllowsSelect, AllowsUpdate, Column, Error, HasPrimaryKey,
    IntoValue, Scoped, Table,
};

use crate::Stop;
use crate::cast::{Cast, ShopRows, UserRows};
use crate::checks::Checks;
use crate::report::Report;
use crate::setup::Stage;
use crate::tables::{
    InventoryAction, InventoryActionType, NewInventoryAction, NewNotification, NewSalesPulseAction,
    NewSocialPost, NewUserPreference, Notification, NotificationType, Platform, PostStatus,
    Priority, SalesActionType, SalesPulseAction, SocialPost, Theme, UserPreference,
};

/// Each shop at the other's rows, each user at the other's.
pub(crate) async fn prove(report: &mut Report, stage: &Stage, cast: &Cast) -> Result<(), Stop> {
    let [acme, globex] = &cast.shops;
    for (stranger, owner) in [(acme, globex), (globex, acme)] {
        let title = format!("{} at {}'s rows", stranger.name, owner.name);
        report
            .step(&title, async |checks: &mut Checks| {
                let before = stage.witness.state().await?;
                shop_at_shop(checks, stranger, owner).await?;
                before.unchanged(checks, &stage.witness.state().await?);
                checks.detail("nothing seen, written or moved");
                Ok(())
            })
            .await?;
    }
    let [ada, grace] = &cast.users;
    for (stranger, owner) in [(ada, grace), (grace, ada)] {
        let title = format!("{} at {}'s rows", stranger.id, owner.id);
        report
            .step(&title, async |checks: &mut Checks| {
                let before = stage.witness.state().await?;
                user_at_user(checks, stranger, owner).await?;
                before.unchanged(checks, &stage.witness.state().await?);
                checks.detail("nothing seen, written or moved");
                Ok(())
            })
            .await?;
    }
    Ok(())
}

async fn shop_at_shop(
    checks: &mut Checks,
    stranger: &ShopRows,
    owner: &ShopRows,
) -> Result<(), Stop> {
    let scope = &stranger.scope;
    let theirs = owner.domain;

    hidden(
        checks,
        scope,
        SalesPulseAction::by_shop(theirs),
        &owner.sales,
    )
    .await?;
    hidden(
        checks,
        scope,
        InventoryAction::by_shop(theirs),
        &owner.inventory,
    )
    .await?;
    hidden(checks, scope, SocialPost::by_shop(theirs), &owner.posts).await?;
    for &key in &owner.posts {
        let update = SocialPost::update(key).set(SocialPost::CONTENT, "taken over");
        untouched(checks, scope, update, SocialPost::delete(key)).await?;
    }
    let forged = SalesPulseAction::insert(NewSalesPulseAction {
        shop_domain: theirs.to_owned(),
        action_type: SalesActionType::NoAction,
        created_by: "forger".to_owned(),
    });
    refused_row(checks, "a forged insert", scope, forged).await;
    let forged = InventoryAction::insert(NewInventoryAction {
        shop_domain: theirs.to_owned(),
        sku: "SKU-1".to_owned(),
        action_type: InventoryActionType::Skip,
        created_by: "forger".to_owned(),
    });
    refused_row(checks, "a forged insert", scope, forged).await;
    let forged = SocialPost::insert(NewSocialPost {
        shop_domain: theirs.to_owned(),
        platform: Platform::Twitter,
        status: PostStatus::Draft,
        content: "forged".to_owned(),
        created_by: "forger".to_owned(),
    });
    refused_row(checks, "a forged insert", scope, forged).await;
    for &key in &stranger.posts {
        // `SocialPost::SHOP_DOMAIN` would not compile here: no policy lets an update change it.
        let shop_domain: Column<SocialPost, String> = Column::new("shop_domain");
        let given_away = SocialPost::update(key).set(shop_domain, theirs);
        refused_move(checks, scope, given_away).await;
    }
    Ok(())
}

async fn user_at_user(
    checks: &mut Checks,
    stranger: &UserRows,
    owner: &UserRows,
) -> Result<(), Stop> {
    let scope = &stranger.scope;
    let theirs = owner.id;

    hidden(
        checks,
        scope,
        Notification::by_user(theirs),
        &owner.notifications,
    )
    .await?;
    hidden(
        checks,
        scope,
        Notification::unread(theirs),
        &owner.notifications,
    )
    .await?;
    for &key in &owner.notifications {
        let update = Notification::update(key).set(Notification::TITLE, "taken over");
        untouched(checks, scope, update, Notification::delete(key)).await?;
    }
    let found = UserPreference::find(theirs).fetch_optional(scope).await?;
    checks.equal(
        "user_preferences: find by the other's key",
        0,
        found.iter().count(),
    );
    let update = UserPreference::update(theirs).set(UserPreference::THEME, Theme::Light);
    untouched(checks, scope, update, UserPreference::delete(theirs)).await?;

    let forged = Notification::insert(NewNotification {
        user_id: theirs.to_owned(),
        kind: NotificationType::System,
        priority: Priority::Critical,
        title: "forged".to_owned(),
    });
    refused_row(checks, "a forged insert", scope, forged).await;
    let forged = UserPreference::insert(NewUserPreference {
        user_id: theirs.to_owned(),
    });
    refused_row(checks, "a forged insert", scope, forged).await;
    for &key in &stranger.notifications {
        let user_id: Column<Notification, String> = Column::new("user_id");
        let given_away = Notification::update(key).set(user_id, theirs);
        refused_move(checks, scope, given_away).await;
    }
    let user_id: Column<UserPreference, String> = Column::new("user_id");
    let given_away = UserPreference::update(stranger.id).set(user_id, theirs);
    refused_move(checks, scope, given_away).await;
    Ok(())
}

/// Rows of another tenant: neither a finder nor their keys lead to them.
async fn hidden<T, Rest>(
    checks: &mut Checks,
    stranger: &Scoped<T::Scope>,
    finder: Finder<T, Rest>,
    keys: &[i32],
) -> Result<(), Stop>
where
    T: HasPrimaryKey + AllowsSelect,
    i32: IntoValue<T::Key>,
{
    let name = name::<T>();
    let seen = finder.fetch_all(stranger).await?;
    checks.equal(
        format_args!("{name}: rows by the other's finder"),
        0,
        seen.len(),
    );
    for &key in keys {
        let seen = T::find(key).fetch_optional(stranger).await?;
        checks.equal(
            format_args!("{name}: find by the other's key"),
            0,
            seen.iter().count(),
        );
    }
    Ok(())
}

/// A row of another tenant: it is neither changed nor deleted.
async fn untouched<T>(
    checks: &mut Checks,
    stranger: &Scoped<T::Scope>,
    update: Update<T>,
    delete: Delete<T>,
) -> Result<(), Stop>
where
    T: HasPrimaryKey + AllowsSelect + AllowsUpdate + AllowsDelete,
{
    let name = name::<T>();
    let changed = update.execute(stranger).await?;
    checks.equal(format_args!("{name}: the other's rows changed"), 0, changed);
    let deleted = delete.execute(stranger).await?;
    checks.equal(format_args!("{name}: the other's rows deleted"), 0, deleted);
    Ok(())
}

async fn refused_row<T: AllowsInsert>(
    checks: &mut Checks,
    what: impl Display,
    scope: &Scoped<T::Scope>,
    insert: Insert<T>,
) {
    let outcome = insert.execute(scope).await;
    refused(checks, format_args!("{}: {what}", name::<T>()), outcome);
}

/// A row of the stranger's own that is given to another tenant.
async fn refused_move<T>(checks: &mut Checks, scope: &Scoped<T::Scope>, update: Update<T>)
where
    T: HasPrimaryKey + AllowsSelect + AllowsUpdate,
{
    let outcome = update.execute(scope).await;
    refused(
        checks,
        format_args!("{}: an own row given away", name::<T>()),
        outcome,
    );
}

fn refused(checks: &mut Checks, what: impl Display, outcome: Result<u64, Error>) {
    checks.refused(what, "a refusal by a policy", outcome, |error| {
        matches!(error, Error::RowRefused { .. })
    });
}

fn name<T: Table>() -> &'static str {
    crate::witness::plain(T::NAME)
}
