//! HotDash's five tables and who may ask for their rows.

mod inventory;
mod notification;
mod preference;
mod sales;
mod scope;
mod social;

pub use inventory::{InventoryAction, InventoryActionType, NewInventoryAction};
pub use notification::{NewNotification, Notification, NotificationType, Priority};
pub use preference::{DefaultView, NewUserPreference, Theme, UserPreference};
pub use sales::{NewSalesPulseAction, SalesActionType, SalesPulseAction};
pub use scope::{Shop, User};
pub use social::{NewSocialPost, Platform, PostStatus, SocialPost};
