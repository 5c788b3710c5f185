//! Posts: written, read, changed and deleted.

use tabellion::query::Insert;
use tabellion::{Error, Scoped, Table, Timestamp};

use super::returned;
use crate::Stop;
use crate::cast::ShopRows;
use crate::checks::Checks;
use crate::tables::{NewSocialPost, Platform, PostStatus, Shop, SocialPost};

/// Writes three rows, each with other columns than the required ones.
pub(super) async fn load(
    checks: &mut Checks,
    domain: &str,
    scope: &Scoped<Shop>,
) -> Result<Vec<i32>, Stop> {
    let mut keys = Vec::new();
    for (platform, status) in [
        (Platform::LinkedIn, PostStatus::Draft),
        (Platform::Instagram, PostStatus::Approved),
        (Platform::Facebook, PostStatus::Draft),
    ] {
        let row = post(domain, platform, status)
            .set(
                SocialPost::MEDIA_URLS,
                vec!["one.png".to_owned(), "two.png".to_owned()],
            )
            .fetch_one(scope)
            .await?;
        let media = row.media_urls.as_ref().map_or(0, Vec::len);
        let same = row.shop_domain == domain
            && row.platform == platform
            && row.status == status
            && row.content == "New in stock"
            && media == 2
            && row.scheduled_at.is_none()
            && row.published_at.is_none()
            && row.publer_post_id.is_none()
            && row.created_by == "operator"
            && row.metadata.is_none();
        returned(checks, SocialPost::NAME, same, row.created_at);
        keys.push(row.id);
    }
    Ok(keys)
}

fn post(domain: &str, platform: Platform, status: PostStatus) -> Insert<SocialPost> {
    SocialPost::insert(NewSocialPost {
        shop_domain: domain.to_owned(),
        platform,
        status,
        content: "New in stock".to_owned(),
        created_by: "operator".to_owned(),
    })
}

/// Every typed helper of the table.
pub(super) async fn helpers(checks: &mut Checks, shop: &ShopRows) -> Result<(), Stop> {
    let ShopRows {
        name,
        domain,
        scope,
        posts: keys,
        ..
    } = shop;
    let by_shop = || SocialPost::by_shop(*domain);

    let drafts = by_shop().eq(PostStatus::Draft).fetch_all(scope).await?;
    checks.equal(format_args!("{name}: drafts"), 2, drafts.len());
    let first = by_shop().limit(1).fetch_all(scope).await?;
    let approved = first.iter().all(|row| row.status == PostStatus::Approved);
    checks.that(
        format_args!("{name}: the first row by status"),
        "an approved one",
        "another",
        approved,
    );

    let written = post(domain, Platform::Twitter, PostStatus::Draft)
        .execute(scope)
        .await?;
    checks.equal(
        format_args!("{name}: rows written by an insert"),
        1,
        written,
    );
    let newest = by_shop().eq(PostStatus::Draft).fetch_one(scope).await?.id;
    checks.that(
        format_args!("{name}: the row just written"),
        "a key of its own",
        "a key that was there before",
        !keys.contains(&newest),
    );
    let scheduled = Timestamp::UNIX_EPOCH;
    let changed = SocialPost::update(newest)
        .set(SocialPost::STATUS, PostStatus::Approved)
        .set(SocialPost::SCHEDULED_AT, scheduled)
        .fetch_optional(scope)
        .await?;
    checks.that(
        format_args!("{name}: the row that an update returned"),
        "what was set, and the rest as it was",
        "something else",
        changed.is_some_and(|row| {
            row.status == PostStatus::Approved
                && row.scheduled_at == Some(scheduled)
                && row.platform == Platform::Twitter
        }),
    );
    let changed = SocialPost::update(newest).set(SocialPost::SCHEDULED_AT, None);
    checks.equal(
        format_args!("{name}: rows changed by an update"),
        1,
        changed.execute(scope).await?,
    );
    let found = SocialPost::find(newest).fetch_one(scope).await?;
    checks.that(
        format_args!("{name}: a column set to nothing"),
        "no value",
        "a value",
        found.scheduled_at.is_none(),
    );
    checks.refused(
        format_args!("{name}: an update without a column"),
        "that it changes nothing",
        SocialPost::update(newest).execute(scope).await,
        |error| matches!(error, Error::NothingToUpdate { .. }),
    );
    let deleted = SocialPost::delete(newest).execute(scope).await?;
    checks.equal(format_args!("{name}: rows deleted"), 1, deleted);
    let deleted = SocialPost::delete(newest).execute(scope).await?;
    checks.equal(
        format_args!("{name}: rows deleted a second time"),
        0,
        deleted,
    );
    let left = by_shop().fetch_all(scope).await?;
    checks.equal(format_args!("{name}: rows left"), keys.len(), left.len());
    Ok(())
}
