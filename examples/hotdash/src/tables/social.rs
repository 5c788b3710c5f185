//! Posts on social media.

use tabellion::{Json, Table, TextEnum, Timestamp};

use super::Shop;

/// Where a post appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum Platform {
    /// Facebook.
    Facebook,
    /// Instagram.
    Instagram,
    /// Twitter.
    Twitter,
    /// LinkedIn.
    #[text("linkedin")]
    LinkedIn,
}

/// How far a post has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum PostStatus {
    /// Being written.
    Draft,
    /// Somebody said yes.
    Approved,
    /// Out.
    Published,
    /// Refused by the platform.
    Failed,
}

/// One post of one shop.
#[derive(Debug, Table)]
#[table(name = "social_posts", scope = Shop)]
#[index(
    name = "idx_social_posts_shop_status",
    columns(shop_domain, status, created_at desc),
    finder = "by_shop"
)]
#[tenant(shop_domain = scope.domain)]
pub struct SocialPost {
    #[column(primary_key, serial)]
    pub id: i32,
    pub shop_domain: String,
    pub platform: Platform,
    pub status: PostStatus,
    pub content: String,
    pub media_urls: Option<Vec<String>>,
    pub scheduled_at: Option<Timestamp>,
    pub published_at: Option<Timestamp>,
    pub publer_post_id: Option<String>,
    pub created_by: String,
    #[column(default = now())]
    pub created_at: Option<Timestamp>,
    pub metadata: Option<Json>,
}
