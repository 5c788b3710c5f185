//! How a user likes the dashboard.

use tabellion::{Json, Table, TextEnum, Timestamp};

use super::User;

/// How tiles are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum DefaultView {
    /// Side by side.
    Grid,
    /// One below the other.
    List,
}

/// The colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, TextEnum)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// As the system has it.
    Auto,
}

/// One user's preferences.
#[derive(Debug, Table)]
#[table(name = "user_preferences", scope = User)]
#[tenant(user_id = scope.id)]
pub struct UserPreference {
    #[column(primary_key)]
    pub user_id: String,
    pub tile_order: Option<Vec<String>>,
    pub visible_tiles: Option<Vec<String>>,
    pub default_view: Option<DefaultView>,
    pub theme: Option<Theme>,
    pub notification_prefs: Option<Json>,
    #[column(default = now())]
    pub updated_at: Option<Timestamp>,
}
