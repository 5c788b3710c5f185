//! Which columns an update may change.

/// Whether policies let an update change a column, or all that it sets: [`Changeable`] or [`Fixed`].
pub trait Change: 'static {
    /// Whether they let it change another column too.
    type With<C: Change>: Change;
}

/// A policy lets an update change it.
#[derive(Debug, Clone, Copy)]
pub enum Changeable {}

/// No policy lets an update change it: it says whose row it is, or `columns(…)` of the update policies leave it
/// out. It can be inserted, and changed through a [`Bypass`](crate::Bypass).
#[derive(Debug, Clone, Copy)]
pub enum Fixed {}

impl Change for Changeable {
    type With<C: Change> = C;
}

impl Change for Fixed {
    type With<C: Change> = Fixed;
}

/// What an update sets may all be changed.
#[diagnostic::on_unimplemented(
    message = "no policy lets an update change a column that is set here",
    label = "the row would change hands, or the column is not among the policy's `columns(...)`",
    note = "leave the column out, name it in `columns(...)` of the `update` policy, or go through a `Bypass`"
)]
pub trait MayChange: Change {}

#[diagnostic::do_not_recommend]
impl MayChange for Changeable {}
