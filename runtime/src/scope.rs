//! Who is asking, and the handle through which everything is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::database::{Database, Guise};

/// Who is asking: a database role, and the settings that policies compare rows with.
///
/// Implemented by `#[derive(Scope)]`. A scope is set transaction-locally with each statement, in the
/// same flight, and ends with it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scope",
    label = "not a scope",
    note = "add `#[derive(tabellion::Scope)]` to `{Self}`"
)]
pub trait Scope: Send + Sync + 'static {
    /// The role that statements run as, by its plain name.
    const ROLE: &'static str;
    /// The names of the settings, `app.current_shop`, in the order of [`Scope::values`].
    const SETTINGS: &'static [&'static str];

    /// What the derive read of the struct, for the guard.
    #[doc(hidden)]
    const FINGERPRINT: u64 = 0;

    /// The settings' texts, in the order of [`Scope::SETTINGS`]; `None` leaves one empty, which no
    /// policy's comparison with it is true for.
    fn values(&self) -> Vec<Option<String>>;
}

/// Nobody in particular: the scope of a table without row-level security that names no other.
///
/// Statements run as the login itself, so they may do what the login was granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoScope;

/// The name that PostgreSQL reserves for "no role but the login's own".
pub(crate) const NO_ROLE: &str = "none";

#[diagnostic::do_not_recommend]
impl Scope for NoScope {
    const ROLE: &'static str = NO_ROLE;
    const SETTINGS: &'static [&'static str] = &[];

    fn values(&self) -> Vec<Option<String>> {
        Vec::new()
    }
}

/// A type that a scope's field may have: its text is what `current_setting(..)` returns.
#[diagnostic::on_unimplemented(
    message = "a scope's field cannot be a `{Self}`",
    label = "no setting can hold a `{Self}`",
    note = "use `String`, an integer, a UUID, `bool`, a date, an enum that derives `TextEnum`, or an `Option` of these"
)]
pub trait Setting {
    /// The text that a policy reads back as the column's type; none where there is no value.
    fn text(&self) -> Option<String>;

    /// The value as a claim of a JSON Web Token has it.
    #[doc(hidden)]
    fn claim(&self) -> Option<serde_json::Value> {
        self.text().map(serde_json::Value::String)
    }
}

macro_rules! scalars {
    ($($ty:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl Setting for $ty {
            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn claim(&self) -> Option<serde_json::Value> {
                Some((*self).into())
            }
        }
    )*};
}

scalars!(bool, i16, i32, i64);

macro_rules! settings {
    ($($(#[$meta:meta])* $ty:ty),*) => {$(
        $(#[$meta])*
        #[diagnostic::do_not_recommend]
        impl Setting for $ty {
            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}

settings!(
    String,
    &'static str,
    #[cfg(feature = "uuid")]
    uuid::Uuid,
    #[cfg(feature = "jiff")]
    jiff::civil::Date,
    #[cfg(feature = "time")]
    time::Date,
    #[cfg(feature = "chrono")]
    chrono::NaiveDate
);

#[diagnostic::do_not_recommend]
impl<E: crate::TextEnum> Setting for E {
    fn text(&self) -> Option<String> {
        Some(self.as_str().to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Setting> Setting for Option<T> {
    fn text(&self) -> Option<String> {
        self.as_ref()?.text()
    }

    fn claim(&self) -> Option<serde_json::Value> {
        self.as_ref()?.claim()
    }
}

/// The claims of a scope as the JSON text that `request.jwt.claims` holds, the role among them. What is
/// absent is left out.
#[doc(hidden)]
pub fn claims(role: &str, claims: &[(&[&str], Option<serde_json::Value>)]) -> Option<String> {
    let mut all = serde_json::Map::new();
    all.insert("role".to_owned(), role.into());
    for (path, value) in claims {
        let (Some(value), Some((last, path))) = (value, path.split_last()) else {
            continue;
        };
        let mut object = Some(&mut all);
        for word in path {
            let inner = object.and_then(|object| {
                let inner = object.entry(*word).or_insert_with(|| serde_json::json!({}));
                inner.as_object_mut()
            });
            object = inner;
        }
        if let Some(object) = object {
            object.insert((*last).to_owned(), value.clone());
        }
    }
    Some(serde_json::Value::Object(all).to_string())
}

/// A database seen by one scope: what every query takes. Cheap to clone.
///
/// Nothing is sent before the first query, which also reports an empty field of the scope.
pub struct Scoped<S> {
    pub(crate) guise: Arc<Guise>,
    scope: Arc<S>,
}

impl Database {
    /// This database as `scope` sees it.
    pub fn scope<S: Scope>(&self, scope: S) -> Scoped<S> {
        Scoped {
            guise: Arc::new(Guise::new(
                self.clone(),
                S::ROLE,
                S::SETTINGS,
                scope.values(),
            )),
            scope: Arc::new(scope),
        }
    }
}

impl<S> Scoped<S> {
    /// The same scope as another transaction's.
    pub(crate) fn with(&self, guise: Arc<Guise>) -> Self {
        Scoped {
            guise,
            scope: self.scope.clone(),
        }
    }

    /// The same scope with a limit on how long each of its statements may take on the server: for one statement, or for
    /// each of a transaction that it begins. A statement that takes longer is
    /// [`Timeout::Statement`](crate::error::Timeout::Statement), and its connection stays usable. At least one
    /// millisecond; of a stream the limit holds until its last row has left the server.
    ///
    /// A transaction keeps the limit that it began with: inside one, a handle with another ends in
    /// [`Error::LimitInTransaction`](crate::Error::LimitInTransaction).
    pub fn statement_timeout(&self, limit: Duration) -> Self {
        self.with(Arc::new(self.guise.limited(limit)))
    }

    /// Who is asking.
    pub fn scope(&self) -> &S {
        &self.scope
    }
}

impl<S> Clone for Scoped<S> {
    fn clone(&self) -> Self {
        Scoped {
            guise: self.guise.clone(),
            scope: self.scope.clone(),
        }
    }
}

/// Names the type of the scope, never its values.
impl<S> fmt::Debug for Scoped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scoped<{}>", std::any::type_name::<S>())
    }
}
