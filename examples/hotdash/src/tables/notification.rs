//! What a user is told.

use tabellion::{Json, Table, TextEnum, Timestamp};

use super::User;

/// What a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum NotificationType {
    /// Something waits for approval.
    Approval,
    /// A figure left its bounds.
    Alert,
    /// The dashboard itself.
    System,
    /// Somebody passed a matter on.
    Escalation,
}

/// How soon to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum Priority {
    /// Now.
    Critical,
    /// Today.
    High,
    /// This week.
    Medium,
    /// Some time.
    Low,
}

/// One message to one user.
#[derive(Debug, Table)]
#[table(name = "notifications", scope = User)]
#[index(name = "idx_notifications_user", columns(user_id, created_at desc), finder = "by_user")]
#[index(
    name = "idx_notifications_unread",
    columns(user_id, read_at),
    where = read_at.is_null(),
    finder = "unread"
)]
#[tenant(user_id = scope.id)]
pub struct Notification {
    #[column(primary_key, serial)]
    pub id: i32,
    pub user_id: String,
    #[column(name = "type")]
    pub kind: NotificationType,
    pub priority: Priority,
    pub title: String,
    pub message: Option<String>,
    pub action_url: Option<String>,
    pub read_at: Option<Timestamp>,
    #[column(default = now())]
    pub created_at: Option<Timestamp>,
    pub metadata: Option<Json>,
}
