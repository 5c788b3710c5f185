//! Structs that not everybody sees, and lints about what nobody uses.

use tabellion::{Scope, Table, TextEnum};

#[derive(Scope)]
#[scope(role = "app")]
pub(crate) struct Private {
    #[setting("app.shop")]
    domain: String,
}

#[derive(TextEnum)]
enum Hidden {
    One,
    Two,
}

// Undocumented, as a private struct may be.
#[derive(Table)]
#[table(name = "hidden", scope = Private)]
#[tenant(shop = scope.domain)]
#[index(columns(shop), finder = "never_called")]
struct Own {
    #[column(primary_key)]
    id: i64,
    shop: String,
    #[column(default = Hidden::Two)]
    hidden: Hidden,
}

#[derive(Table)]
#[table(name = "in_crate", scope = Private)]
#[tenant(shop = scope.domain)]
#[index(columns(shop), finder = "never_called")]
pub(crate) struct InCrate {
    pub(crate) id: i64,
    pub(self) shop: String,
    pub(in crate::visibility) note: Option<String>,
    #[column(default = Hidden::One)]
    hidden: Hidden,
}

mod inner {
    use tabellion::Table;

    use super::Private;

    #[derive(Table)]
    #[table(name = "in_super", scope = Private)]
    #[tenant(shop = scope.domain)]
    #[index(columns(shop))]
    pub(super) struct InSuper {
        pub(super) id: i64,
        shop: String,
    }

    pub(super) fn new() -> NewInSuper {
        NewInSuper {
            id: 1,
            shop: "acme".into(),
        }
    }
}

/// Public, with a field that nobody else sets.
#[derive(Table)]
#[no_rls(reason = "a test")]
pub struct Mixed {
    /// Seen.
    pub id: i64,
    hidden: Option<i64>,
    /// Not to be used any more.
    #[deprecated]
    pub old: Option<i64>,
}

#[deprecated]
#[derive(TextEnum)]
enum OldEnum {
    One,
}

#[expect(deprecated)]
const OLD: OldEnum = OldEnum::One;

pub(crate) fn check() {
    let own = Own {
        id: 1,
        shop: "acme".into(),
        hidden: Hidden::One,
    };
    let in_crate = InCrate {
        id: 2,
        shop: own.shop,
        note: None,
        hidden: own.hidden,
    };
    let new = NewInCrate {
        id: own.id,
        shop: in_crate.shop,
    };
    let _ = (
        new,
        in_crate.id,
        in_crate.note,
        in_crate.hidden,
        inner::new().id,
    );
    let _ = (Mixed::ID, Mixed::HIDDEN, inner::InSuper::ID, OLD);
    let _ = |mixed: Mixed, in_super: inner::InSuper| (mixed.hidden, in_super.id);
}
