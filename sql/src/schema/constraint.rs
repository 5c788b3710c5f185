//! Constraints of a table.

use serde::{Deserialize, Serialize};

use super::{Expr, IndexColumn, QualifiedName};

/// A primary key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrimaryKey {
    /// The constraint's name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_default")]
    pub deferrable: Deferrable,
}

/// A unique constraint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unique {
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// NULL equals NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nulls_not_distinct: bool,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_default")]
    pub deferrable: Deferrable,
}

/// When a constraint is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferrable {
    /// With each statement; PostgreSQL's default.
    #[default]
    Not,
    /// With each statement, unless a transaction defers it: `deferrable`.
    Immediate,
    /// At commit, unless a transaction wants it sooner: `deferrable initially deferred`.
    Deferred,
}

impl Deferrable {
    /// The SQL keywords; none for the default.
    pub fn as_sql(self) -> &'static str {
        match self {
            Deferrable::Not => "",
            Deferrable::Immediate => "deferrable",
            Deferrable::Deferred => "deferrable initially deferred",
        }
    }

    fn is_default(&self) -> bool {
        *self == Deferrable::Not
    }
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForeignKey {
    /// The referencing columns, in order.
    pub columns: Vec<String>,
    /// The referenced table.
    pub table: QualifiedName,
    /// The referenced columns, in order.
    pub references: Vec<String>,
    /// What happens to a row whose referenced row is deleted.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_default")]
    pub on_delete: ReferentialAction,
    /// The columns that `set null` and `set default` touch on delete, where not all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_delete_columns: Vec<String>,
    /// What happens to a row whose referenced key is changed.
    #[serde(default, skip_serializing_if = "ReferentialAction::is_default")]
    pub on_update: ReferentialAction,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_default")]
    pub deferrable: Deferrable,
    /// Rows from before it was added have not been checked: a step on the way, never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
}

impl ForeignKey {
    /// A foreign key with PostgreSQL's default actions.
    pub fn new(
        columns: impl IntoIterator<Item = impl Into<String>>,
        table: QualifiedName,
        references: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        ForeignKey {
            columns: columns.into_iter().map(Into::into).collect(),
            table,
            references: references.into_iter().map(Into::into).collect(),
            on_delete: ReferentialAction::NoAction,
            on_delete_columns: Vec::new(),
            on_update: ReferentialAction::NoAction,
            deferrable: Deferrable::Not,
            not_valid: false,
        }
    }
}

/// What a foreign key does when the referenced row goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferentialAction {
    /// The statement fails; PostgreSQL's default.
    #[default]
    NoAction,
    /// The statement fails at once, even where the constraint is deferred.
    Restrict,
    /// The referencing row goes too.
    Cascade,
    /// The referencing columns become NULL.
    SetNull,
    /// The referencing columns take their default.
    SetDefault,
}

impl ReferentialAction {
    /// The SQL keywords.
    pub fn as_sql(self) -> &'static str {
        match self {
            ReferentialAction::NoAction => "no action",
            ReferentialAction::Restrict => "restrict",
            ReferentialAction::Cascade => "cascade",
            ReferentialAction::SetNull => "set null",
            ReferentialAction::SetDefault => "set default",
        }
    }

    fn is_default(&self) -> bool {
        *self == ReferentialAction::NoAction
    }
}

/// A CHECK constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What must not be false.
    pub expr: Expr,
    /// Rows from before it was added have not been checked: a step on the way, never declared.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_valid: bool,
}

impl Check {
    /// A check of that condition.
    pub fn new(expr: Expr) -> Self {
        Check {
            expr,
            not_valid: false,
        }
    }
}

/// An exclusion constraint: no two rows for which all its comparisons are true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// The access method of its index, such as `gist`.
    pub method: String,
    /// What is compared, in order.
    pub elements: Vec<ExclusionElement>,
    /// Which rows it is about, where not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<Expr>,
    /// When it is checked.
    #[serde(default, skip_serializing_if = "Deferrable::is_default")]
    pub deferrable: Deferrable,
}

/// One comparison of an exclusion constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExclusionElement {
    /// What is compared, as in an index: it is what refuses a key that neither knows.
    #[serde(flatten)]
    pub column: IndexColumn,
    /// The operator, such as `&&`.
    pub operator: String,
}
