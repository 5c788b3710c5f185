//! Names of the crate that are also names of the standard library or of Tabellion.

#![allow(dead_code)]

/// An alias that many crates have.
pub type Result<T> = ::std::result::Result<T, Error>;

/// Not Tabellion's.
#[derive(Debug)]
pub struct Error;

/// Not Tabellion's.
pub struct Row;

/// Not Tabellion's.
pub struct Params;

/// Not Tabellion's.
pub struct Column;

/// Not the standard library's.
pub struct Box;

/// Not the standard library's.
pub struct Send;

/// Not the standard library's.
pub enum Some {
    /// Nothing.
    None,
    /// Not the standard library's.
    Ok,
    /// Not the standard library's.
    Err,
}

/// Not the standard library's.
pub use self::Some::{Err, None, Ok};

/// Not the standard library's.
pub mod core {}

/// Not the standard library's.
pub mod std {}

mod table {
    use ::tabellion::{Scope, Table, TextEnum};

    // All of the above.
    #[allow(clippy::wildcard_imports)]
    use super::*;

    #[derive(Scope)]
    #[scope(role = "app")]
    struct Who {
        #[setting("app.shop")]
        shop: String,
    }

    #[derive(TextEnum)]
    enum Status {
        Draft,
        Sent,
    }

    #[derive(Table)]
    #[table(scope = Who)]
    #[primary_key(columns(shop, status))]
    #[index(columns(status, shop), where = status == Status::Draft)]
    #[tenant(shop = scope.shop)]
    #[check(note.is_not_null())]
    struct Clash {
        shop: String,
        status: Status,
        note: Option<String>,
    }

    /// A table named like a part of Tabellion, and one like a part of the derive's own code.
    mod named {
        use tabellion::Table;

        #[derive(Table)]
        #[no_rls(reason = "a test")]
        struct Index {
            #[column(primary_key)]
            index: i32,
        }

        #[derive(Table)]
        #[no_rls(reason = "a test")]
        #[index(columns(row))]
        struct Finder {
            row: i32,
        }
    }

    fn aliased() -> Result<Row> {
        ::std::result::Result::Err(Error)
    }
}
