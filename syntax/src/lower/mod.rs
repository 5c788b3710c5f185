//! Lower: an unresolved table into `tabellion_sql::schema`, once it is known what its paths denote.

mod equality;
mod keys;
mod membership;
mod partial;
mod predicate;
mod renames;
mod setting;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Ident;
use tabellion_sql::ident::{object_name, quote, quote_literal};
use tabellion_sql::schema::{self, Command, Expr, QualifiedName, Role, Type};

use crate::ast::{self, At, Default, PathRef, TypeRef};
use crate::predicate::{Predicate, plain};

pub use keys::external;
pub(crate) use keys::partition;
pub use partial::{Piece, partial};
pub use renames::renames;

/// What the paths in one table denote, seen from the module of its struct.
pub trait Denote {
    /// The kind of server that the schema is for.
    fn platform(&self) -> schema::Platform {
        schema::Platform::Postgres
    }
    /// The scope at a path.
    fn scope(&self, path: &PathRef) -> Option<&ast::Scope>;
    /// The enumeration at a path.
    fn text_enum(&self, path: &PathRef) -> Option<&ast::TextEnum>;
    /// The table at a path.
    fn table(&self, path: &PathRef) -> Option<&ast::Table>;
    /// The enumeration at a path in the module of a scope, which is at the first path.
    fn enum_of_scope(&self, scope: &PathRef, path: &PathRef) -> Option<&ast::TextEnum>;

    /// The text of an enumeration's variant, as an SQL literal.
    fn variant(&self, path: &PathRef) -> Option<String> {
        let mut owner = path.0.clone();
        let variant = owner.segments.pop()?.ident;
        owner.segments.pop_punct();
        let text = self.text_enum(&PathRef(owner))?.text(&variant)?;
        Some(quote_literal(text))
    }
}

/// A path that denotes nothing, or nothing of the right kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The fact, then the remedy.
    pub message: String,
    /// The item is there, and what is missing in it rustc reports by itself.
    pub rustc_reports: bool,
}

/// Lowers a table that its own check found nothing wrong with.
///
/// `source` is the module path of the struct, as comments show it.
///
/// # Errors
/// Every path that could not be resolved.
pub fn table(
    table: &ast::Table,
    source: String,
    denote: &dyn Denote,
) -> Result<(QualifiedName, schema::Table), Vec<Unresolved>> {
    let mut lower = Lower {
        table,
        denote,
        scope: None,
        read_tables: BTreeSet::new(),
        lookups: BTreeMap::new(),
        unresolved: Vec::new(),
    };
    for path in table.scopes() {
        if denote.scope(path).is_none() {
            lower.missing("scope", &path.text(), "Scope");
        }
    }
    let lowered = lower.table(source);
    if lower.unresolved.is_empty() {
        Ok((
            QualifiedName::new(&table.schema.value, &table.name.value),
            lowered,
        ))
    } else {
        lower.unresolved.dedup();
        Err(lower.unresolved)
    }
}

/// The role of a scope, as the platform decides where the scope does not.
pub fn role(scope: &ast::Scope, platform: schema::Platform) -> (String, Role) {
    let create = scope
        .create
        .unwrap_or(platform == schema::Platform::Postgres);
    let role = if create {
        Role::Created
    } else {
        Role::External
    };
    (scope.role.value.clone(), role)
}

struct Lower<'a> {
    table: &'a ast::Table,
    denote: &'a dyn Denote,
    /// The scope of the policy that is being lowered, and its path.
    scope: Option<(&'a PathRef, &'a ast::Scope)>,
    /// The other tables that the predicate reads which is being lowered.
    read_tables: BTreeSet<schema::TableName>,
    /// What a function would look up for it, were the policies of those tables to lead back.
    lookups: BTreeMap<QualifiedName, schema::Lookup>,
    unresolved: Vec<Unresolved>,
}

impl<'a> Lower<'a> {
    fn missing(&mut self, kind: &str, path: &str, derive: &str) {
        self.unresolved.push(Unresolved {
            rustc_reports: false,
            message: format!(
                "no {kind} `{path}` in this crate for table `{}`; derive `{derive}` on it here, \
                 outside of other macros",
                self.table.name.value
            ),
        });
    }

    /// What rustc will name better, at its place.
    fn absent(&mut self, what: String) {
        self.unresolved.push(Unresolved {
            rustc_reports: true,
            message: what,
        });
    }

    fn text_enum(&mut self, path: &PathRef) -> Option<&'a ast::TextEnum> {
        let found = self.denote.text_enum(path);
        if found.is_none() {
            self.missing("enum", &path.text(), "TextEnum");
        }
        found
    }

    fn name(&self, field: &Ident) -> String {
        self.table
            .column(field)
            .map_or_else(|| plain(field), |column| column.name.value.clone())
    }

    fn names(&self, fields: &[Ident]) -> Vec<String> {
        fields.iter().map(|field| self.name(field)).collect()
    }

    fn table(&mut self, source: String) -> schema::Table {
        let table = self.table;
        let mut checks = BTreeMap::new();
        let columns = table
            .columns
            .iter()
            .map(|column| self.column(column, &mut checks))
            .collect();
        for check in &table.checks {
            let expr = self.predicate(&check.predicate);
            checks.insert(check.name.value.clone(), schema::Check::new(expr));
        }
        let mut lowered = schema::Table {
            comment: table.comment.clone(),
            columns,
            primary_key: (!table.primary_key.is_empty()).then(|| schema::PrimaryKey {
                name: primary_key(&table.name.value),
                columns: self.names(&table.primary_key),
                deferrable: table.primary_key_deferrable,
            }),
            uniques: table
                .uniques
                .iter()
                .map(|unique| {
                    let columns = self.names(&unique.columns);
                    (
                        unique.name.value.clone(),
                        schema::Unique {
                            columns,
                            nulls_not_distinct: unique.nulls_not_distinct,
                            deferrable: unique.deferrable,
                        },
                    )
                })
                .collect(),
            foreign_keys: table
                .foreign_keys
                .iter()
                .filter_map(|key| Some((key.name.value.clone(), self.foreign_key(key)?)))
                .collect(),
            checks,
            indexes: table
                .indexes
                .iter()
                .map(|index| (index.name.value.clone(), self.index(index)))
                .collect(),
            exclusions: table
                .exclusions
                .iter()
                .map(|exclusion| (exclusion.name.value.clone(), self.exclusion(exclusion)))
                .collect(),
            partition_by: table.partition_by.as_ref().map(|by| self.partition_by(by)),
            partitions: table
                .partitions
                .iter()
                .map(|part| (part.name.value.clone(), partition(&part.bound.value)))
                .collect(),
            rls: self.rls(),
            ..schema::Table::new(source)
        };
        self.grants(&mut lowered);
        lowered
    }

    fn column(
        &mut self,
        column: &ast::Column,
        checks: &mut BTreeMap<String, schema::Check>,
    ) -> schema::Column {
        let (ty, allowed) = match &column.ty {
            TypeRef::Known(ty) | TypeRef::Stated(ty) => (ty.clone(), None),
            TypeRef::Enum(path) => (Type::Text, self.text_enum(path)),
            TypeRef::EnumArray(path) => (Type::Array(Box::new(Type::Text)), self.text_enum(path)),
        };
        let name = &column.name.value;
        if let Some(allowed) = allowed {
            let texts: Vec<String> = allowed
                .variants
                .iter()
                .map(|(_, text)| quote_literal(&text.value))
                .collect();
            let texts = texts.join(", ");
            let sql = match column.ty {
                TypeRef::EnumArray(_) => format!("{} <@ array[{texts}]", quote(name)),
                _ => format!("{} in ({texts})", quote(name)),
            };
            checks.insert(
                enum_check(&self.table.name.value, name),
                schema::Check::new(Expr::new(sql, [name])),
            );
        }
        schema::Column {
            nullable: column.nullable,
            default: match &column.default {
                Some(default) => Some(self.default(default)),
                None if column.version => Some("0".to_owned()),
                None => column.updated_at.then(|| match ty {
                    // As its trigger does: without it the session's time zone would decide.
                    Type::Timestamp(_) => "(now() at time zone 'UTC')".to_owned(),
                    _ => "now()".to_owned(),
                }),
            },
            generated: column.generated,
            computed: column.computed.as_ref().map(|sql| self.sql(&sql.value)),
            collation: column
                .collation
                .as_ref()
                .map(|name| quote(&name.value).into_owned()),
            updated_at: column.updated_at,
            comment: column.comment.clone(),
            ..schema::Column::new(name, ty)
        }
    }

    fn default(&mut self, default: &At<Default>) -> String {
        match &default.value {
            // In parentheses any expression is allowed; without them only some are.
            Default::Sql(sql) => format!("({})", sql.trim()),
            Default::Value(value) => self.value(value),
        }
    }

    fn rls(&mut self) -> schema::Rls {
        if let ast::Rls::None { reason, .. } = &self.table.rls {
            return schema::Rls::Disabled(reason.clone());
        }
        let lowered = self.table.policies().iter().map(|policy| {
            let path = self.table.scope_of(policy);
            self.scope = path.and_then(|path| Some((path, self.denote.scope(path)?)));
            let role = self.scope.map(|(_, scope)| scope.role.value.clone());
            let definition = schema::Policy {
                command: policy.command,
                restrictive: policy.restrictive,
                roles: role.into_iter().collect(),
                using: policy.using.as_ref().map(|using| self.predicate(using)),
                check: policy.check.as_ref().map(|check| self.predicate(check)),
            };
            (policy.name.value.clone(), definition)
        });
        schema::Rls::Enabled(lowered.collect())
    }

    /// Each scope's role may do what some policy of the scope allows, with the columns that it names where it names
    /// some. A version counts by itself, with the rights of whoever updates. Nothing else follows: a policy reads its own
    /// row, and PostgreSQL checks a foreign key, whatever the role may read.
    fn grants(&self, lowered: &mut schema::Table) {
        for path in self.table.scopes() {
            let Some(scope) = self.denote.scope(path) else {
                continue;
            };
            let role = &scope.role.value;
            for command in self.table.commands(Some(path)) {
                let Some(fields) = self.table.of_columns(path, command) else {
                    let commands = lowered.grants.entry(role.clone()).or_default();
                    commands.insert(command);
                    continue;
                };
                let columns = self.table.columns.iter().filter(|column| {
                    let is_counted = command == Command::Update && column.version;
                    is_counted
                        || fields
                            .value
                            .iter()
                            .any(|field| self.table.is_field(column, field))
                });
                let columns = columns.map(|column| column.name.value.clone());
                let commands = lowered.column_grants.entry(role.clone()).or_default();
                commands.entry(command).or_default().extend(columns);
            }
        }
        // Two scopes may share a role: what one may do with every column, both may.
        for (role, commands) in &mut lowered.column_grants {
            let whole = lowered.grants.get(role);
            commands.retain(|command, _| !whole.is_some_and(|whole| whole.contains(command)));
        }
        let some = &mut lowered.column_grants;
        some.retain(|_, commands| !commands.is_empty());
    }

    fn predicate(&mut self, predicate: &Predicate) -> Expr {
        match predicate {
            Predicate::Typed(node) => self.typed(node),
            Predicate::Sql(sql, _) => self.sql(sql),
        }
    }

    /// Raw SQL with the columns that it reads.
    fn sql(&self, sql: &str) -> Expr {
        let columns = &self.table.columns;
        let names: Vec<&str> = columns
            .iter()
            .map(|column| column.name.value.as_str())
            .collect();
        // The check has read it already; a table that fails it is never lowered.
        tabellion_sql::raw::expression(sql, &self.table.name.value, &names)
            .unwrap_or_else(|_| Expr::new(sql.trim(), [""; 0]))
    }
}

/// The name of a table's primary key; the name that PostgreSQL would choose.
pub fn primary_key(table: &str) -> String {
    object_name(table, "", "pkey")
}

/// The name of the CHECK that an enumeration's column gets; the name that PostgreSQL would choose.
pub fn enum_check(table: &str, column: &str) -> String {
    object_name(table, column, "check")
}
