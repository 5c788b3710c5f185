//! Memberships that a function looks up, where a policy cannot do so itself.
//!
//! PostgreSQL applies the policies of a table to what a policy reads of it, and refuses a query whose
//! policies lead back to the table that they are on. Such a membership is looked up by a function with the
//! rights of its owner, whom no policy binds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Expr, Policy, QualifiedName, Schema, TableName, Type};
use crate::file::checksum;
use crate::ident::object_name;

/// What every function that looks a membership up is called, at its beginning.
pub const LOOKUP: &str = "lookup_";

/// A query of one column that a function runs for a policy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The query, as it stands in the expression, between `array(` and `)`.
    pub query: String,
    /// The type of what it finds.
    pub returns: Type,
    /// The table that it reads.
    pub table: QualifiedName,
}

impl Lookup {
    /// What a function returns for a column of that type; none where it is of no type by which one tells who
    /// belongs to what.
    pub fn returned(ty: &Type) -> Option<Type> {
        match ty {
            // The server holds what a query finds against the type, and not against the size.
            Type::Varchar(_) => Some(Type::Varchar(None)),
            Type::Text | Type::Int2 | Type::Int4 | Type::Int8 | Type::Uuid => Some(ty.clone()),
            _ => None,
        }
    }

    /// The name of the function, in that PostgreSQL schema. Another query has another name, so that no
    /// function ever changes: a policy goes over to the next one.
    pub fn name(&self, namespace: &str, table: &str, column: &str) -> QualifiedName {
        let sum = checksum(&format!("{}\n{}", self.returns, self.query));
        let name = object_name(&format!("{LOOKUP}{table}"), column, &sum[..8]);
        QualifiedName::new(namespace, name)
    }

    /// The body of the function, in PL/pgSQL: PostgreSQL never puts that in place of a call, and plans it once
    /// a session.
    pub fn body(&self) -> String {
        format!("begin\n  return query {};\nend", self.query)
    }
}

impl Expr {
    /// The text as it stands in a policy, where functions look up what it cannot read itself.
    pub fn written(&self) -> Cow<'_, str> {
        let mut text = Cow::Borrowed(self.sql.as_str());
        for (name, lookup) in &self.lookups {
            let (query, call) = (
                format!("array({})", lookup.query),
                format!("array(select {name}())"),
            );
            text = Cow::Owned(text.replace(&query, &call));
        }
        text
    }

    /// The tables that it reads itself; one may be looked up in one place and read in another.
    pub fn reads(&self) -> Vec<&TableName> {
        let written = self.written();
        let is_looked_up = |table: &TableName| {
            let mut lookups = self.lookups.values();
            lookups.any(|lookup| table.is(&lookup.table))
                && !written.contains(&format!(" from {table} "))
        };
        let tables = self.tables.iter();
        tables.filter(|table| !is_looked_up(table)).collect()
    }
}

impl Policy {
    /// The policy with its expressions as they stand in it, as if the functions that they call were someone
    /// else's.
    pub fn calling(&self) -> Policy {
        let mut calling = self.clone();
        for expr in calling.using.iter_mut().chain(&mut calling.check) {
            expr.sql = expr.written().into_owned();
            expr.lookups.clear();
        }
        calling
    }
}

impl Schema {
    /// The functions that policies need, and the roles that call them.
    pub fn lookups(&self) -> BTreeMap<&QualifiedName, (&Lookup, BTreeSet<&str>)> {
        let mut needed = BTreeMap::new();
        let policies = self.tables.values().flat_map(|table| table.rls.policies());
        for (_, policy) in policies {
            for expr in policy.using.iter().chain(&policy.check) {
                for (name, lookup) in &expr.lookups {
                    let (_, roles) = needed
                        .entry(name)
                        .or_insert_with(|| (lookup, BTreeSet::new()));
                    roles.extend(policy.roles.iter().map(String::as_str));
                }
            }
        }
        needed
    }
}
