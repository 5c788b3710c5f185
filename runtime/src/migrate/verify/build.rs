//! Tables of the sealed schema, built by the server for comparison and rolled back.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::ident::quote_literal;
use tabellion_sql::plan::plan;
use tabellion_sql::schema::{Expr, Policy, QualifiedName, Rls, Role, Schema, Table, TableName};

use super::predict::Prediction;
use super::{BEGIN, compared, print, rows};
use crate::catalog::{Object, Snapshot};
use crate::migrate::connect::NO_PATH;
use crate::migrate::engine::Migrator;
use crate::migrate::error::MigrateError;

/// How scratch schemas are named, before their number.
const SCRATCH: &str = "tabellion_scratch_";

/// How many tables one transaction builds: each takes some locks, and a server has a fixed number of
/// them for everyone.
const AT_ONCE: usize = 200;

impl Migrator {
    /// Puts in place of what was predicted of these tables what the server makes of them.
    pub(super) async fn build(
        &self,
        schema: &Schema,
        prediction: &Prediction,
        doubtful: &BTreeSet<QualifiedName>,
        expected: &mut Snapshot,
    ) -> Result<(), MigrateError> {
        let taken = self.taken().await?;
        let doubtful: Vec<&QualifiedName> = doubtful.iter().collect();
        for chunk in doubtful.chunks(AT_ONCE) {
            let chunk: BTreeSet<&QualifiedName> = chunk.iter().copied().collect();
            let part = part(schema, &chunk);
            let free = (0..)
                .map(|number: usize| format!("{SCRATCH}{number}"))
                .filter(|name| !taken.contains(name));
            let scratch: BTreeMap<&str, String> = part.namespaces().into_iter().zip(free).collect();
            let built = self.built(&part, &scratch).await;
            // Rolled back whatever happened: nothing of it may stay.
            let ended = self.client.batch_execute("rollback").await;
            let built = match built {
                Ok(built) => built,
                Err(error) => {
                    if let Some(standby) = self.standby(&error).await {
                        return Err(standby);
                    }
                    let lacks_right = error.code().is_some_and(|code| code.code() == "42501");
                    if !lacks_right {
                        let doing = "building the sealed schema for comparison";
                        return Err(MigrateError::server(doing, &error));
                    }
                    if chunk
                        .iter()
                        .all(|table| !prediction.unknown.contains(*table))
                    {
                        continue;
                    }
                    return Err(MigrateError::Server(
                        "some tables can be compared only as the server builds them (partitioned ones, exclusion \
                         constraints, predicates over schemas that this login may not use), which verify does in \
                         scratch schemas that it rolls back, and this login may not create any; grant it `create` \
                         on the database, or `temporary` alone where that was revoked, or verify as the role that \
                         applies"
                            .into(),
                    ));
                }
            };
            ended.map_err(|error| MigrateError::server("rolling the comparison back", &error))?;
            prediction.replace(expected, compared(built, schema), &chunk);
        }
        Ok(())
    }

    /// The names of scratch schemas that this database already has for something else.
    async fn taken(&self) -> Result<BTreeSet<String>, MigrateError> {
        let query = format!(
            "{NO_PATH}select nspname from pg_catalog.pg_namespace where pg_catalog.starts_with(nspname::text, {})",
            quote_literal(SCRATCH)
        );
        let messages = self.client.simple_query(&query).await;
        let messages =
            messages.map_err(|error| MigrateError::server("reading the schemas", &error))?;
        let names = rows(&messages).filter_map(|row| row.get(0));
        Ok(names.map(str::to_owned).collect())
    }

    /// Builds the schema in scratch schemas and reads it, under its real names.
    async fn built(
        &self,
        schema: &Schema,
        scratch: &BTreeMap<&str, String>,
    ) -> Result<Snapshot, tokio_postgres::Error> {
        let client = &self.client;
        let given = Schema {
            platform: schema.platform,
            ..Schema::default()
        };
        // Unqualified names in a user's expressions find the scratch tables first.
        let schemas: Vec<&str> = scratch.values().map(String::as_str).collect();
        let quoted: Vec<String> = scratch
            .keys()
            .map(|real| format!("pg_catalog.quote_ident({})", quote_literal(real)))
            .collect();
        // A message of its own: the server reads the quotes of a whole message before it runs any of it.
        client.batch_execute(BEGIN).await?;
        let moved = moved(schema, scratch);
        let begin = format!(
            "{}select {}{}",
            stand_ins(&moved, scratch),
            print::path(&schemas),
            plan(&given, &calling(moved)).body()
        );
        client.batch_execute(&begin).await?;
        let snapshot = Snapshot::read_in_transaction(client, schemas).await?;
        // As this server quotes them, which is how it prints them in the live definitions.
        let messages = client
            .simple_query(&format!("select {}", quoted.join(", ")))
            .await?;
        let Some(names) = rows(&messages).next() else {
            return Ok(snapshot);
        };
        let mut objects = snapshot.objects;
        for (index, (real, temporary)) in scratch.iter().enumerate() {
            let printed = names.get(index).unwrap_or_default();
            objects = objects
                .into_iter()
                .map(|(mut object, definition)| {
                    if object.schema == *temporary {
                        object.schema = (*real).to_owned();
                    }
                    (object, renamed(&definition, temporary, printed))
                })
                .collect();
        }
        Ok(Snapshot { objects })
    }
}

impl Prediction {
    /// Puts in place of what is expected of these tables what was made of them otherwise.
    pub(super) fn replace(
        &self,
        expected: &mut Snapshot,
        made: Snapshot,
        tables: &BTreeSet<&QualifiedName>,
    ) {
        let is_whole = |object: &Object| {
            let place = (object.schema.clone(), object.relation.clone());
            let of = self.origin.get(&place);
            of.is_some_and(|of| of.iter().all(|table| tables.contains(table)))
        };
        expected.objects.retain(|object, _| !is_whole(object));
        let made = made.objects.into_iter();
        expected
            .objects
            .extend(made.filter(|(object, _)| is_whole(object)));
    }
}

/// The scratch schemas, and in them what stands in for the functions that policies call: those are compared by
/// themselves, and one may be missing.
fn stand_ins(moved: &Schema, scratch: &BTreeMap<&str, String>) -> String {
    let schemas = scratch
        .values()
        .map(|name| format!("create schema {name};\n"));
    let functions = moved.lookups().into_iter().map(|(name, (lookup, _))| {
        format!(
            "create function {name}() returns setof {ty} language sql as 'select null::{ty}';\n",
            ty = lookup.returns
        )
    });
    schemas.chain(functions).collect()
}

/// Those tables of a schema, with the tables that they refer to or read.
fn part(schema: &Schema, tables: &BTreeSet<&QualifiedName>) -> Schema {
    let mut needed: BTreeSet<&QualifiedName> = BTreeSet::new();
    let mut queue: Vec<&QualifiedName> = tables.iter().copied().collect();
    while let Some(name) = queue.pop() {
        let Some((name, table)) = schema.tables.get_key_value(name) else {
            continue;
        };
        if !needed.insert(name) {
            continue;
        }
        queue.extend(table.foreign_keys.values().map(|key| &key.table));
        let read: BTreeSet<&TableName> = read(table).collect();
        if !read.is_empty() {
            let all = schema.tables.keys();
            queue.extend(all.filter(|other| read.iter().any(|read| read.may_be(other))));
        }
    }
    let mut part = schema.clone();
    part.tables.retain(|name, _| needed.contains(name));
    part
}

/// The other tables that the policies and checks of a table read.
fn read(table: &Table) -> impl Iterator<Item = &TableName> {
    let policies = table.rls.policies().values();
    let exprs = policies.flat_map(|policy| policy.using.iter().chain(&policy.check));
    exprs.flat_map(|expr: &Expr| &expr.tables)
}

/// A definition as it reads where the scratch schema has its real name, given as the server quotes it.
/// A literal that begins with it, as of a sequence in `nextval`, doubles the quotes within.
fn renamed(definition: &str, temporary: &str, printed: &str) -> String {
    let doubled = printed.replace('\'', "''");
    definition
        .replace(&format!("'{temporary}."), &format!("'{doubled}."))
        .replace(&format!("{temporary}."), &format!("{printed}."))
}

/// The schema with policies that call functions which are there.
fn calling(mut schema: Schema) -> Schema {
    for table in schema.tables.values_mut() {
        if let Rls::Enabled(policies) = &mut table.rls {
            for policy in policies.values_mut() {
                *policy = policy.calling();
            }
        }
    }
    schema
}

/// The schema with its tables in scratch schemas, and with roles that exist already.
fn moved(schema: &Schema, scratch: &BTreeMap<&str, String>) -> Schema {
    let mut moved = schema.clone();
    // They are made before the functions in them.
    moved.external_schemas = scratch.values().cloned().collect();
    for role in moved.roles.values_mut() {
        *role = Role::External;
    }
    let place = |name: &mut String| {
        if let Some(temporary) = scratch.get(name.as_str()) {
            name.clone_from(temporary);
        }
    };
    moved.tables = schema
        .tables
        .iter()
        .map(|(name, table)| {
            let (mut name, mut table) = (name.clone(), table.clone());
            place(&mut name.schema);
            for key in table.foreign_keys.values_mut() {
                place(&mut key.table.schema);
            }
            if let Rls::Enabled(policies) = &mut table.rls {
                for Policy { using, check, .. } in policies.values_mut() {
                    for expr in using.iter_mut().chain(check) {
                        let lookups = std::mem::take(&mut expr.lookups).into_iter();
                        expr.lookups = lookups
                            .map(|(mut name, lookup)| {
                                place(&mut name.schema);
                                (name, lookup)
                            })
                            .collect();
                    }
                }
            }
            (name, table)
        })
        .collect();
    moved
}
