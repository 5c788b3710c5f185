//! Structs that a macro of the crate writes: outside of every schema they compile, types and all.

use tabellion::{Table, TextEnum};
use tabellion_ui_tests::Shop;

macro_rules! table {
    ($(#[$meta:meta])* $name:ident, $sql:literal, $index:literal, $by:path, $status:ty, $text:ty, $default:expr) => {
        $(#[$meta])*
        #[derive(Table)]
        #[table(name = $sql, scope = $by)]
        #[index(name = $index, columns(shop, level), where = level > 3, include(status), method = btree)]
        #[tenant(shop = scope.domain)]
        pub struct $name {
            /// The tenant.
            pub shop: $text,
            /// A type that came through a group.
            pub status: $status,
            /// An optional one.
            pub before: Option<$status>,
            /// A value that came through a group.
            #[column(default = $default)]
            pub level: i32,
        }
    };
}

/// An enumeration.
#[derive(TextEnum)]
pub enum Progress {
    /// Not yet.
    Open,
    /// Already.
    Done,
}

table! {
    /// Written by a macro.
    Written, "written_by", "written_by_level", Shop, Progress, String, 7
}
