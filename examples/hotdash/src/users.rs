//! A user's rows: notifications and preferences.

use tabellion::{Error, Scoped, Table, Timestamp};

use crate::Stop;
use crate::cast::{Cast, UserRows, json};
use crate::checks::Checks;
use crate::report::Report;
use crate::shops::{returned, stamp};
use crate::tables::{
    DefaultView, NewNotification, NewUserPreference, Notification, NotificationType, Priority,
    Theme, User, UserPreference,
};

/// Writes a user's rows: three notifications, and the preferences.
pub(crate) async fn load(
    checks: &mut Checks,
    id: &'static str,
    scope: Scoped<User>,
) -> Result<UserRows, Stop> {
    let mut notifications = Vec::new();
    for (kind, priority) in [
        (NotificationType::Approval, Priority::High),
        (NotificationType::Alert, Priority::Critical),
        (NotificationType::System, Priority::Low),
    ] {
        let row = notification(id, kind, priority)
            .set(Notification::MESSAGE, "Look at the inventory")
            .set(Notification::METADATA, json("tile", 3))
            .fetch_one(&scope)
            .await?;
        let same = row.user_id == id
            && row.kind == kind
            && row.priority == priority
            && row.title == "Something happened"
            && row.message.as_deref() == Some("Look at the inventory")
            && row.action_url.is_none()
            && row.read_at.is_none()
            && row.metadata == Some(json("tile", 3));
        returned(checks, Notification::NAME, same, row.created_at);
        notifications.push(row.id);
    }
    let tiles = vec!["sales".to_owned(), "inventory".to_owned()];
    let row = UserPreference::insert(NewUserPreference {
        user_id: id.to_owned(),
    })
    .set(UserPreference::TILE_ORDER, tiles.clone())
    .set(UserPreference::DEFAULT_VIEW, DefaultView::Grid)
    .set(UserPreference::NOTIFICATION_PREFS, json("mail", true))
    .fetch_one(&scope)
    .await?;
    let same = row.user_id == id
        && row.tile_order == Some(tiles)
        && row.visible_tiles.is_none()
        && row.default_view == Some(DefaultView::Grid)
        && row.theme.is_none()
        && row.notification_prefs == Some(json("mail", true));
    returned(checks, UserPreference::NAME, same, row.updated_at);
    Ok(UserRows {
        id,
        scope,
        notifications,
    })
}

fn notification(
    id: &str,
    kind: NotificationType,
    priority: Priority,
) -> tabellion::query::Insert<Notification> {
    Notification::insert(NewNotification {
        user_id: id.to_owned(),
        kind,
        priority,
        title: "Something happened".to_owned(),
    })
}

/// Every typed helper of the users' tables, for each user.
pub(crate) async fn helpers(report: &mut Report, cast: &Cast) -> Result<(), Stop> {
    report
        .step("notifications", async |checks: &mut Checks| {
            for user in &cast.users {
                notifications(checks, user).await?;
            }
            checks.detail("by_user, unread, find, update, delete");
            Ok(())
        })
        .await?;
    report
        .step("user_preferences", async |checks: &mut Checks| {
            for user in &cast.users {
                preferences(checks, user).await?;
            }
            checks.detail("find, update, delete");
            Ok(())
        })
        .await
}

async fn notifications(checks: &mut Checks, user: &UserRows) -> Result<(), Stop> {
    let UserRows {
        id,
        scope,
        notifications: keys,
    } = user;
    let by_user = || Notification::by_user(*id);
    let unread = || Notification::unread(*id);

    let all = by_user().fetch_all(scope).await?;
    checks.equal(format_args!("{id}: rows by user"), keys.len(), all.len());
    let newest = by_user().limit(1).fetch_all(scope).await?;
    checks.that(
        format_args!("{id}: limit(1)"),
        "the newest row",
        "another",
        newest.iter().map(|row| row.id).eq(keys.last().copied()),
    );
    let oldest = by_user().reverse().fetch_one(scope).await?;
    checks.that(
        format_args!("{id}: reverse"),
        "the oldest row first",
        "another",
        keys.first() == Some(&oldest.id),
    );
    let written = stamp(oldest.created_at)?;
    let at = by_user().eq(written).fetch_all(scope).await?;
    checks.equal(format_args!("{id}: eq on the next column"), 1, at.len());

    let before = unread().fetch_all(scope).await?;
    checks.equal(
        format_args!("{id}: unread before one is read"),
        keys.len(),
        before.len(),
    );
    let read = Notification::update(oldest.id)
        .set(Notification::READ_AT, Timestamp::now())
        .execute(scope)
        .await?;
    checks.equal(format_args!("{id}: rows marked as read"), 1, read);
    let after = unread().fetch_all(scope).await?;
    checks.equal(
        format_args!("{id}: unread after one is read"),
        keys.len() - 1,
        after.len(),
    );
    let limited = unread().reverse().limit(1).fetch_all(scope).await?;
    checks.equal(
        format_args!("{id}: unread, limit(1), reverse"),
        1,
        limited.len(),
    );
    let none = unread().eq(written).fetch_all(scope).await?;
    checks.equal(
        format_args!("{id}: unread and read at a time"),
        0,
        none.len(),
    );

    let one_more = notification(id, NotificationType::Escalation, Priority::Medium)
        .set(Notification::CREATED_AT, None)
        .fetch_one(scope)
        .await?;
    checks.that(
        format_args!("{id}: a column with a default, set to nothing"),
        "no value",
        "a value",
        one_more.created_at.is_none(),
    );
    let deleted = Notification::delete(one_more.id).execute(scope).await?;
    checks.equal(format_args!("{id}: rows deleted"), 1, deleted);
    let gone = Notification::find(one_more.id)
        .fetch_optional(scope)
        .await?;
    checks.equal(
        format_args!("{id}: find after the delete"),
        0,
        gone.iter().count(),
    );
    Ok(())
}

async fn preferences(checks: &mut Checks, user: &UserRows) -> Result<(), Stop> {
    let UserRows { id, scope, .. } = user;
    let new = || {
        UserPreference::insert(NewUserPreference {
            user_id: (*id).to_owned(),
        })
    };

    let found = UserPreference::find(*id).fetch_one(scope).await?;
    checks.that(
        format_args!("{id}: find"),
        "the user's own row",
        "another",
        found.user_id == *id,
    );
    checks.refused(
        format_args!("{id}: a second row of one key"),
        "that there is such a row",
        new().execute(scope).await,
        |error| matches!(error, Error::Unique { .. }),
    );
    let changed = UserPreference::update(*id)
        .set(UserPreference::THEME, Theme::Dark)
        .set(UserPreference::DEFAULT_VIEW, DefaultView::List)
        .set(UserPreference::VISIBLE_TILES, Vec::<String>::new())
        .fetch_optional(scope)
        .await?;
    checks.that(
        format_args!("{id}: the row that an update returned"),
        "what was set, and the rest as it was",
        "something else",
        changed.is_some_and(|row| {
            row.theme == Some(Theme::Dark)
                && row.default_view == Some(DefaultView::List)
                && row.visible_tiles.is_some_and(|tiles| tiles.is_empty())
                && row.tile_order == found.tile_order
        }),
    );
    let deleted = UserPreference::delete(*id).execute(scope).await?;
    checks.equal(format_args!("{id}: rows deleted"), 1, deleted);
    let gone = UserPreference::find(*id).fetch_optional(scope).await?;
    checks.equal(
        format_args!("{id}: find after the delete"),
        0,
        gone.iter().count(),
    );
    let written = new().execute(scope).await?;
    checks.equal(format_args!("{id}: rows written again"), 1, written);
    Ok(())
}
