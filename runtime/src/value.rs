//! Values on their way into a statement.

use std::fmt;

use tokio_postgres::types::ToSql;

use crate::types::Param;

/// The values of a statement's parameters, in order. `Debug` shows how many, never which.
#[derive(Default)]
pub struct Params {
    values: Vec<Box<dyn ToSql + Send + Sync>>,
    /// About how many bytes the values that were pushed take.
    size: usize,
}

impl Params {
    /// With room for so many.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Params {
            values: Vec::with_capacity(count),
            size: 0,
        }
    }

    /// Adds the next parameter's value.
    pub fn push<V: Param>(&mut self, value: V) {
        self.size += value.size();
        self.values.push(value.into_sql());
    }

    /// Adds a value that is in its form already.
    pub(crate) fn push_sql(&mut self, value: Box<dyn ToSql + Send + Sync>) {
        self.values.push(value);
    }

    /// About how many bytes they take.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Puts a value in the place of another.
    pub(crate) fn replace<V: Param>(&mut self, index: usize, value: V) {
        if let Some(slot) = self.values.get_mut(index) {
            self.size += value.size();
            *slot = value.into_sql();
        }
    }

    pub(crate) fn values(&self) -> &[Box<dyn ToSql + Send + Sync>] {
        &self.values
    }

    pub(crate) fn into_values(self) -> Vec<Box<dyn ToSql + Send + Sync>> {
        self.values
    }

    /// Adds the parameters of another list behind these.
    pub(crate) fn append(&mut self, mut other: Params) {
        self.size += other.size;
        self.values.append(&mut other.values);
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Params({})", self.values.len())
    }
}

/// What may stand for a value of the column type `V`: a `V`, the inside of an `Option`, a `&str` for
/// a `String`.
#[diagnostic::on_unimplemented(
    message = "a column of `{V}` cannot take a `{Self}`",
    label = "expected `{V}`",
    note = "give a value of the column's own type"
)]
pub trait IntoValue<V> {
    /// The value that is sent.
    fn into_value(self) -> V;
}

#[diagnostic::do_not_recommend]
impl<V> IntoValue<V> for V {
    fn into_value(self) -> V {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<V> IntoValue<Option<V>> for V {
    fn into_value(self) -> Option<V> {
        Some(self)
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<String> for &str {
    fn into_value(self) -> String {
        self.to_owned()
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<Option<String>> for &str {
    fn into_value(self) -> Option<String> {
        Some(self.to_owned())
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<String> for &String {
    fn into_value(self) -> String {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl IntoValue<Option<String>> for &String {
    fn into_value(self) -> Option<String> {
        Some(self.clone())
    }
}
