//! What is read from one item. Two readings are equal when their hashes are; spans play no part.

mod keys;

use std::fmt;
use std::hash::{Hash, Hasher};

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::ext::IdentExt;
use tabellion_sql::schema::{Command, Deferrable, Generated, QualifiedName, Type};

use crate::predicate::{Predicate, Value};

pub use keys::{
    Bound, BoundValue, Check, Exclusion, Flag, ForeignKey, ForeignKeyOptions, Index, IndexColumn,
    IndexKey, Partition, PartitionBy, Unique,
};

/// A value with the place where it was written.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> At<T> {
    /// A value at a place.
    pub fn new(value: T, span: Span) -> Self {
        At { value, span }
    }
}

impl<T: Hash> Hash for At<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

/// A path to an item that this item does not hold: an enumeration, a scope, another table.
#[derive(Clone)]
pub struct PathRef(pub syn::Path);

impl PathRef {
    /// The path as written, without spaces.
    pub fn text(&self) -> String {
        self.0.to_token_stream().to_string().replace(' ', "")
    }
}

/// As written, that is: two paths to one item are two.
impl PartialEq for PathRef {
    fn eq(&self, other: &Self) -> bool {
        let (own, other_path) = (&self.0, &other.0);
        let is_plain = |path: &syn::Path| {
            let mut segments = path.segments.iter();
            segments.all(|segment| segment.arguments.is_none())
        };
        if !is_plain(own) || !is_plain(other_path) {
            return self.text() == other.text();
        }
        let mut pairs = own.segments.iter().zip(&other_path.segments);
        own.leading_colon.is_some() == other_path.leading_colon.is_some()
            && own.segments.len() == other_path.segments.len()
            && pairs.all(|(one, other)| one.ident == other.ident)
    }
}

impl Eq for PathRef {}

impl Hash for PathRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl fmt::Debug for PathRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A struct that derives `Table`.
#[derive(Debug, Clone, Hash)]
pub struct Table {
    /// The struct's name.
    pub ident: Ident,
    /// The PostgreSQL schema.
    pub schema: At<String>,
    /// The table's name.
    pub name: At<String>,
    /// The doc comment.
    pub comment: Option<String>,
    /// It is someone else's: referred to, never made.
    pub external: Flag,
    /// The name that the table had before.
    pub renamed_from: Option<At<QualifiedName>>,
    /// A table that goes and is not this one.
    pub replaces: Option<At<QualifiedName>>,
    /// Who asks, where a policy does not say otherwise.
    pub scope: Option<PathRef>,
    /// The columns in the order of the fields.
    pub columns: Vec<Column>,
    /// The primary key's columns.
    pub primary_key: Vec<Ident>,
    /// When the primary key is checked.
    pub primary_key_deferrable: Deferrable,
    /// Indexes.
    pub indexes: Vec<Index>,
    /// Unique constraints.
    pub uniques: Vec<Unique>,
    /// CHECK constraints that the attributes state; those of enumerations follow from the types.
    pub checks: Vec<Check>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Exclusion constraints.
    pub exclusions: Vec<Exclusion>,
    /// How its rows are spread over partitions, where they are.
    pub partition_by: Option<PartitionBy>,
    /// Its partitions.
    pub partitions: Vec<Partition>,
    /// The answer on row-level security.
    pub rls: Rls,
    /// The rules whose warnings it allows.
    pub allowed: Vec<Allowed>,
}

/// A rule whose warnings a struct allows. The reason is for whoever reads the source.
#[derive(Debug, Clone, Hash)]
pub struct Allowed {
    /// The rule's code.
    pub code: At<String>,
}

impl Table {
    /// The column of a field.
    ///
    /// In an attribute a field may stand without its `r#`.
    pub fn column(&self, field: &Ident) -> Option<&Column> {
        // Nearly always it is written as it was declared, and a raw name costs a copy.
        let as_written = self.columns.iter().find(|column| column.ident == *field);
        as_written.or_else(|| {
            let field = field.unraw();
            let mut columns = self.columns.iter();
            columns.find(|column| column.ident.unraw() == field)
        })
    }

    /// The paths whose meaning the build script and rustc must agree on, in a fixed order:
    /// the scopes, the enumerations of the columns, the tables of the foreign keys and of the memberships.
    pub fn references(&self) -> References<'_> {
        let keys = self.foreign_keys.iter().map(|key| &key.table);
        let predicates = self.policies().iter();
        let predicates = predicates.flat_map(|policy| policy.using.iter().chain(&policy.check));
        let memberships = predicates.flat_map(Predicate::memberships);
        let memberships = memberships.map(|membership| &membership.table);
        References {
            scopes: self.scopes(),
            enums: self
                .columns
                .iter()
                .filter_map(|column| match &column.ty {
                    TypeRef::Enum(path) | TypeRef::EnumArray(path) => Some(path),
                    TypeRef::Known(_) | TypeRef::Stated(_) => None,
                })
                .collect(),
            tables: keys.chain(memberships).collect(),
        }
    }
}

/// The paths in a table that stand for other items.
#[derive(Debug, Clone)]
pub struct References<'a> {
    /// The scopes, each once.
    pub scopes: Vec<&'a PathRef>,
    /// The enumerations, one for each column of such a type.
    pub enums: Vec<&'a PathRef>,
    /// The referenced tables, one for each foreign key, then one for each membership.
    pub tables: Vec<&'a PathRef>,
}

/// A field.
#[derive(Debug, Clone, Hash)]
pub struct Column {
    /// The field's name.
    pub ident: Ident,
    /// The column's name.
    pub name: At<String>,
    /// The SQL type, or the path to what decides it.
    pub ty: TypeRef,
    /// The field's type, with `Option` taken off.
    pub rust_type: RustType,
    /// Whether the field is an `Option`.
    pub nullable: bool,
    /// How the server numbers the column, where it does.
    pub generated: Option<Generated>,
    /// `generated = sql("…")`: what the server computes it from.
    pub computed: Option<At<String>>,
    /// A trigger sets it to the time of each update.
    pub updated_at: bool,
    /// Counts the updates of its row.
    pub version: bool,
    /// The default.
    pub default: Option<At<Default>>,
    /// The name of its collation.
    pub collation: Option<At<String>>,
    /// The name that the column had before.
    pub renamed_from: Option<At<String>>,
    /// A column that goes and is not this one.
    pub replaces: Option<At<String>>,
    /// The doc comment.
    pub comment: Option<String>,
}

impl Column {
    /// Whether a statement may set it.
    pub fn is_settable(&self) -> bool {
        self.generated != Some(Generated::IdentityAlways)
            && self.computed.is_none()
            && !self.updated_at
            && !self.version
    }

    /// Whether a new row must bring a value: NOT NULL, and nothing that the database would put there.
    pub fn is_required(&self) -> bool {
        !self.nullable && !self.is_filled()
    }

    /// Whether the server has a value for a row that brings none.
    pub fn is_filled(&self) -> bool {
        self.default.is_some()
            || self.generated.is_some()
            || self.computed.is_some()
            || self.updated_at
            || self.version
    }
}

/// The Rust type of a column, as written.
#[derive(Clone)]
pub struct RustType(pub syn::Type);

impl fmt::Debug for RustType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_token_stream().to_string())
    }
}

impl Hash for RustType {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_token_stream().to_string().hash(state);
    }
}

/// The type of a column, as far as one item tells.
#[derive(Debug, Clone, Hash)]
pub enum TypeRef {
    /// A type that its Rust name tells.
    Known(Type),
    /// A type that `type = "…"` names; rustc does not compare it.
    Stated(Type),
    /// What must turn out to be a `TextEnum`.
    Enum(PathRef),
    /// An array of those.
    EnumArray(PathRef),
}

impl TypeRef {
    /// The type in PostgreSQL, where it does not take an enumeration to tell.
    pub fn known(&self) -> Option<&Type> {
        match self {
            TypeRef::Known(ty) | TypeRef::Stated(ty) => Some(ty),
            TypeRef::Enum(_) | TypeRef::EnumArray(_) => None,
        }
    }
}

/// A default.
#[derive(Debug, Clone, Hash)]
pub enum Default {
    /// A literal, `now()`, or an enumeration's variant.
    Value(Value),
    /// Raw SQL, parsed.
    Sql(String),
}

/// The answer on row-level security.
#[derive(Debug, Clone, Hash)]
pub enum Rls {
    /// There is none: an error at the struct's name.
    Missing,
    /// Policies, from `#[policy]` and `#[tenant]`.
    Policies(Vec<Policy>),
    /// `#[policy(deny_all)]`.
    DenyAll,
    /// `#[no_rls(reason = "…")]`.
    None {
        /// Why.
        reason: String,
        /// What the scope's role may do.
        allow: Vec<Command>,
    },
}

/// A policy.
#[derive(Debug, Clone, Hash)]
pub struct Policy {
    /// Its name.
    pub name: At<String>,
    /// The command it is about; `None` is all.
    pub command: Option<Command>,
    /// Whose it is, where that is not the table's own scope.
    pub scope: Option<PathRef>,
    /// It allows nothing by itself, and takes away from what the others allow.
    pub restrictive: bool,
    /// The fields that the command may read or write, where not all of them.
    pub columns: Option<At<Vec<Ident>>>,
    /// Which existing rows may be seen or touched.
    pub using: Option<Predicate>,
    /// Which new rows may be written.
    pub check: Option<Predicate>,
}

impl Policy {
    /// Whether it says something of a command.
    pub fn is_for(&self, command: Command) -> bool {
        self.command.is_none_or(|allowed| allowed == command)
    }
}

/// A struct that derives `Scope`.
#[derive(Debug, Clone, Hash)]
pub struct Scope {
    /// The struct's name.
    pub ident: Ident,
    /// The role that its statements run as.
    pub role: At<String>,
    /// Whether a migration creates the role; `None` leaves it to the platform.
    pub create: Option<bool>,
    /// Its fields.
    pub settings: Vec<Setting>,
}

/// A field of a scope.
#[derive(Debug, Clone, Hash)]
pub struct Setting {
    /// The field's name.
    pub ident: Ident,
    /// The setting's name, such as `app.current_shop`; of a claim the one that holds it alone.
    pub name: At<String>,
    /// The words that lead to it in the claims, where it is one.
    pub claim: Option<Vec<String>>,
    /// The SQL type its text is read as.
    pub ty: Type,
    /// The enumeration that its text is one of, where it is.
    pub text_enum: Option<PathRef>,
    /// Whether the field is an `Option`, whose `None` leaves the setting empty.
    pub nullable: bool,
    /// The field's type, `Option` included.
    pub rust_type: RustType,
}

/// An enum that derives `TextEnum`.
#[derive(Debug, Clone, Hash)]
pub struct TextEnum {
    /// The enum's name.
    pub ident: Ident,
    /// Its variants, each with the text that stands for it.
    pub variants: Vec<(Ident, At<String>)>,
}

impl TextEnum {
    /// The text of a variant.
    pub fn text(&self, variant: &Ident) -> Option<&str> {
        let found = self.variants.iter().find(|(ident, _)| ident == variant);
        found.map(|(_, text)| text.value.as_str())
    }
}
