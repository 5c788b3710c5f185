//! Attributes into data: what is written, before anything is compared.

mod allow_rule;
mod args;
mod column;
mod column_type;
mod exclude;
mod foreign_key;
mod index;
mod index_column;
mod keys;
mod partition;
mod policy;
mod table;

pub(crate) use allow_rule::allow_rule;
pub(crate) use args::{Arg, Args, is, misplaced, name_span};
pub(crate) use column::{ColumnAttr, column};
pub(crate) use column_type::modifier_between;
pub(crate) use exclude::{ExcludeAttr, exclude};
pub(crate) use foreign_key::{ForeignKeyAttr, foreign_key};
pub(crate) use index::{IndexAttr, index};
pub(crate) use keys::{CheckAttr, Key, check, primary_key, unique};
pub(crate) use partition::{partition, partition_by};
pub(crate) use policy::{RlsAttr, no_rls, policy, tenant};
pub(crate) use table::{TableAttr, table};
