//! Policies that read other tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{Command, Expr, Policy, QualifiedName, Rls, Schema, Table, TableName};

use super::Finding;
use super::reads::{self, Read};

/// The tables that policies may read, by their names alone.
pub(super) struct Readable(BTreeMap<String, Vec<QualifiedName>>);

impl Readable {
    /// The tables of a schema; none where no policy reads one.
    pub(super) fn of(schema: &Schema) -> Self {
        let mut readable = Readable(BTreeMap::new());
        let policies = schema.tables.values().map(|table| table.rls.policies());
        let mut exprs = policies.flat_map(BTreeMap::values).flat_map(exprs);
        if exprs.any(|expr| !expr.tables.is_empty()) {
            for name in schema.tables.keys() {
                let of_name = readable.0.entry(name.name.clone()).or_default();
                of_name.push(name.clone());
            }
        }
        readable
    }

    /// The tables that may be meant. Raw SQL need not name the PostgreSQL schema, and which one a search path leads to
    /// nobody knows here.
    pub(super) fn named(&self, written: &TableName) -> Vec<&QualifiedName> {
        let of_name = self.0.get(&written.name).into_iter().flatten();
        of_name.filter(|name| written.may_be(name)).collect()
    }

    fn has(&self, table: &QualifiedName) -> bool {
        let of_name = self.0.get(&table.name);
        of_name.is_some_and(|of_name| of_name.contains(table))
    }
}

fn exprs(policy: &Policy) -> impl Iterator<Item = &Expr> {
    policy.using.iter().chain(&policy.check)
}

/// Leaves a membership to a function where the policies of the table that it is looked up in lead back to its own,
/// and to no function anywhere else.
///
/// PostgreSQL refuses a query of policies that lead back. A function has the rights of its owner, so that the
/// policies of what it reads do not hold for it: in a circle they hold for no membership, whichever came first.
/// It takes a schema in which each membership that a function can look up has one.
pub fn settle_lookups(schema: &mut Schema) {
    let readable = Readable::of(schema);
    if readable.0.is_empty() {
        return;
    }
    let whole = schema.clone();
    for (name, table) in &mut schema.tables {
        let Rls::Enabled(policies) = &mut table.rls else {
            continue;
        };
        for policy in policies.values_mut() {
            for expr in policy.using.iter_mut().chain(&mut policy.check) {
                expr.lookups.retain(|_, lookup| {
                    let is_back = |role: &String| {
                        leads_back(&whole, &readable, all, role, &lookup.table, name)
                    };
                    readable.has(&lookup.table) && policy.roles.iter().any(is_back)
                });
            }
        }
    }
}

/// What a policy reads of another table is read as whoever asks: that role needs the right to it, and the
/// other table's own policies hold. Where they lead back, PostgreSQL refuses every query.
pub(super) fn other_tables(
    schema: &Schema,
    readable: &Readable,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    let own = &name.name;
    for (policy, definition) in table.rls.policies() {
        let read: BTreeSet<&QualifiedName> = exprs(definition)
            .flat_map(Expr::reads)
            .flat_map(|read| readable.named(read))
            .collect();
        for other_name in read {
            let other = &schema.tables[other_name];
            let other_table = &other_name.name;
            for role in &definition.roles {
                if other.is_granted(role, Command::Select) {
                    let is_read = |column: &&String| {
                        let read = Read {
                            table: other_name,
                            column,
                        };
                        exprs(definition).any(|expr| read.is_in(expr, schema, readable))
                    };
                    for column in unread(other, role).filter(is_read) {
                        let message = format!(
                            "policy `{policy}` on `{own}` reads `{column}` of `{other_table}` as role `{role}`, which \
                             may read other columns only; name it in the `columns` of that role's `select` policy"
                        );
                        findings.push(Finding::new(name, None, message));
                    }
                    continue;
                }
                let message = format!(
                    "policy `{policy}` on `{own}` reads `{other_table}` as role `{role}`, which may not; add a \
                     `select` policy for the scope of that role to `{other_table}`"
                );
                findings.push(Finding::new(name, None, message));
            }
            let mut roles = definition.roles.iter();
            if roles.any(|role| leads_back(schema, readable, Expr::reads, role, other_name, name)) {
                let message = format!(
                    "policy `{policy}` on `{own}` reads `{other_table}`, whose policies read `{own}` again, and \
                     PostgreSQL refuses such a query; let those of `{other_table}` say it without `{own}`, or \
                     write what is read as `exists(…)` over texts, integers and UUIDs, which a function looks up"
                );
                findings.push(Finding::new(name, None, message));
            }
        }
    }
}

/// A function that looks a membership up has the rights of its owner, and whoever may call it sees what it finds.
pub(super) fn looked_up(
    schema: &Schema,
    readable: &Readable,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for (policy, definition) in table.rls.policies() {
        let lookups: BTreeSet<_> = exprs(definition)
            .flat_map(|it| it.lookups.values())
            .collect();
        for lookup in lookups {
            let other = &lookup.table;
            let Some(given) = reads::selected(&lookup.query).filter(|_| readable.has(other)) else {
                continue;
            };
            for role in &definition.roles {
                if unread(&schema.tables[other], role).any(|column| *column == given) {
                    let message = format!(
                        "policy `{policy}` on `{}` looks up `{given}` of `{}` by a function that role `{role}` may \
                         call, which gives it a column that it may not read; name `{given}` in the `columns` of that \
                         role's `select` policy, or compare with a column that it may read",
                        name.name, other.name
                    );
                    findings.push(Finding::new(name, None, message));
                }
            }
        }
    }
}

/// The columns that a role may not read, of a table of which it may read some.
fn unread<'a>(table: &'a Table, role: &'a str) -> impl Iterator<Item = &'a String> {
    let whole = table.grants.get(role);
    let reads_all = whole.is_some_and(|commands| commands.contains(&Command::Select));
    let some = table.column_grants.get(role);
    let some = some.and_then(|commands| commands.get(&Command::Select));
    let columns = table.columns.iter().filter(move |_| !reads_all);
    columns
        .map(|column| &column.name)
        .filter(move |name| !some.is_some_and(|some| some.contains(*name)))
}

/// What an expression reads, itself or by a function.
fn all(expr: &Expr) -> Vec<&TableName> {
    expr.tables.iter().collect()
}

/// Whether what a role reads of `from` leads to `to`, whose policies are being applied.
///
/// Of what a policy reads, the policies for SELECT hold, whatever command the policy itself is for. PostgreSQL refuses
/// to apply those of a table a second time within themselves where one holds a subquery of whatever kind, and a
/// setting is read by one. Source: `fireRIRrules` in PostgreSQL's `src/backend/rewrite/rewriteHandler.c`.
fn leads_back(
    schema: &Schema,
    readable: &Readable,
    reads: for<'a> fn(&'a Expr) -> Vec<&'a TableName>,
    role: &String,
    from: &QualifiedName,
    to: &QualifiedName,
) -> bool {
    let mut seen = BTreeSet::new();
    let mut queue = vec![from];
    while let Some(name) = queue.pop() {
        let mut asked = reading(schema, name, role);
        if name == to && asked.any(|expr| expr.sql.to_lowercase().contains("select")) {
            return true;
        }
        if name != to && seen.insert(name) {
            let read = asked.flat_map(reads);
            queue.extend(read.flat_map(|read| readable.named(read)));
        }
    }
    false
}

/// What the policies of a table say of the rows that a role reads.
fn reading<'a>(
    schema: &'a Schema,
    table: &QualifiedName,
    role: &'a String,
) -> impl Iterator<Item = &'a Expr> {
    let table: Option<&Table> = schema.tables.get(table);
    let policies = table.into_iter().flat_map(|table| table.rls.policies());
    let reading = policies.filter(|(_, policy)| {
        policy.roles.contains(role) && policy.commands().contains(&Command::Select)
    });
    reading.filter_map(|(_, policy)| policy.using.as_ref())
}
