//! What roles may do, and where the schema is meant to run.

use std::collections::BTreeSet;

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{Command, Platform, QualifiedName, Role};

use super::reading::Reading;
use super::row::Row;

/// Owners, who can grant themselves anything, and superusers are left out.
pub(super) const TABLES: &str = "
select t.oid as relation, coalesce(r.rolname, 'public') as role,
  pg_catalog.lower(x.privilege_type) as privilege, x.is_grantable as grantable,
  exists (
    select from pg_catalog.pg_default_acl d
    cross join lateral pg_catalog.aclexplode(d.defaclacl) a
    join pg_catalog.pg_roles g on g.oid = a.grantee
    where d.defaclobjtype = 'r' and g.rolname = 'anon') as supabase
from {tables} t
left join lateral pg_catalog.aclexplode(t.relacl) x on x.grantee <> t.relowner
left join pg_catalog.pg_roles r on r.oid = x.grantee
where not coalesce(r.rolsuper, false)
order by t.oid, 2, 3";

pub(super) const COLUMNS: &str = "
select t.oid as relation, a.attname as part, coalesce(r.rolname, 'public') as role,
  pg_catalog.lower(x.privilege_type) as privilege, x.is_grantable as grantable
from {tables} t
join pg_catalog.pg_attribute a on a.attrelid = t.oid and not a.attisdropped
cross join lateral pg_catalog.aclexplode(a.attacl) x
left join pg_catalog.pg_roles r on r.oid = x.grantee
where x.grantee <> t.relowner and not coalesce(r.rolsuper, false)
order by t.oid, 2, 3, 4";

pub(super) const SEQUENCES: &str = "
select n.nspname as schema, s.relname as name, coalesce(r.rolname, 'public') as role,
  pg_catalog.lower(x.privilege_type) as privilege
from pg_catalog.pg_class s
join pg_catalog.pg_namespace n on n.oid = s.relnamespace
cross join lateral pg_catalog.aclexplode(s.relacl) x
left join pg_catalog.pg_roles r on r.oid = x.grantee
where s.relkind = 'S' and n.nspname in ({schemas})
  and x.grantee <> s.relowner and not coalesce(r.rolsuper, false)
order by 1, 2, 3, 4";

pub(super) const SCHEMAS: &str = "
select n.nspname as schema, coalesce(r.rolname, 'public') as role,
  pg_catalog.lower(x.privilege_type) as privilege
from pg_catalog.pg_namespace n
cross join lateral pg_catalog.aclexplode(n.nspacl) x
left join pg_catalog.pg_roles r on r.oid = x.grantee
where n.nspname in ({schemas}) and n.nspname <> 'public'
  and x.grantee <> n.nspowner and not coalesce(r.rolsuper, false)
order by 1, 2, 3";

pub(super) fn read_tables(rows: &[Row<'_>], reading: &mut Reading) {
    if rows.iter().any(|row| row.flag("supabase")) {
        reading.schema.platform = Platform::Supabase;
    }
    for row in rows {
        let Some(privilege) = row.optional("privilege") else {
            continue;
        };
        let Some((name, table)) = reading.table(row) else {
            continue;
        };
        let role = row.owned("role");
        let command = Command::ALL
            .into_iter()
            .find(|command| command.as_str() == privilege);
        if let Some(command) = command {
            table
                .grants
                .entry(role.clone())
                .or_default()
                .insert(command);
        }
        let object = format!("`{}` on `{name}`", quote(&role));
        if command.is_none() {
            reading.cannot_say(
                &format!("the privilege {}", privilege.to_uppercase()),
                &object,
            );
        }
        if row.flag("grantable") {
            reading.cannot_say("a privilege with grant option", &object);
        }
        if role != "public" {
            reading.schema.roles.insert(role, Role::External);
        }
    }
}

/// A row is deleted whole; everything else may be granted by column.
pub(super) fn read_columns(rows: &[Row<'_>], reading: &mut Reading) {
    for row in rows {
        let Some((name, table)) = reading.table(row) else {
            continue;
        };
        let (role, part) = (row.owned("role"), row.owned("part"));
        let privilege = row.text("privilege");
        let of_columns = [Command::Select, Command::Insert, Command::Update];
        let command = of_columns.into_iter().find(|it| it.as_str() == privilege);
        if let Some(command) = command {
            let commands = table.column_grants.entry(role.clone()).or_default();
            commands.entry(command).or_default().insert(part.clone());
        }
        let object = format!("`{}` on column `{part}` of `{name}`", quote(&role));
        if command.is_none() {
            reading.cannot_say(
                &format!("the privilege {}", privilege.to_uppercase()),
                &object,
            );
        }
        if row.flag("grantable") {
            reading.cannot_say("a privilege with grant option", &object);
        }
        if role != "public" {
            reading.schema.roles.insert(role, Role::External);
        }
    }
}

/// Whoever inserts may use the sequences of serial columns; nobody else has any business there.
pub(super) fn read_sequences(rows: &[Row<'_>], reading: &mut Reading) {
    let mut found: BTreeSet<(QualifiedName, String)> = BTreeSet::new();
    let mut notes = Vec::new();
    for row in rows {
        let sequence = QualifiedName::new(row.text("schema"), row.text("name"));
        if reading.sequences.contains_key(&sequence) {
            if row.text("privilege") != "usage" {
                notes.push(phrase(&sequence, row.text("role")));
            }
            found.insert((sequence, row.owned("role")));
        }
    }
    let wanted: BTreeSet<(QualifiedName, String)> = reading
        .sequences
        .iter()
        .filter(|(_, numbering)| numbering.serial)
        .filter_map(|(sequence, numbering)| {
            let table = reading.schema.tables.get(&numbering.table)?;
            let roles = table.grantees().into_iter();
            let roles = roles.filter(|role| table.is_granted(role, Command::Insert));
            Some(roles.map(|role| (sequence.clone(), role.to_owned())))
        })
        .flatten()
        .collect();
    notes.extend(found.difference(&wanted).map(|(s, role)| phrase(s, role)));
    for note in notes {
        reading.cannot_say("a privilege on a sequence", &note);
    }
    for (sequence, role) in wanted.difference(&found) {
        let object = phrase(sequence, role);
        reading.cannot_say("an insert without USAGE on the sequence", &object);
    }
}

/// Whoever may do anything with a table of a schema may use the schema.
pub(super) fn read_schemas(rows: &[Row<'_>], reading: &mut Reading) {
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    let mut notes: BTreeSet<(String, String)> = BTreeSet::new();
    for row in rows {
        let entry = (row.owned("schema"), row.owned("role"));
        if row.text("privilege") != "usage" {
            notes.insert(entry.clone());
        }
        found.insert(entry);
    }
    let wanted: BTreeSet<(String, String)> = reading
        .schema
        .tables
        .iter()
        .filter(|(name, _)| name.schema != "public")
        .flat_map(|(name, table)| {
            let roles = table.grantees().into_iter();
            roles.map(|role| (name.schema.clone(), role.to_owned()))
        })
        .collect();
    notes.extend(found.difference(&wanted).cloned());
    for (schema, role) in &notes {
        let object = format!("`{}` on `{}`", quote(role), quote(schema));
        reading.cannot_say("a privilege on a schema", &object);
    }
    for (schema, role) in wanted.difference(&found) {
        let object = format!("`{}` on `{}`", quote(role), quote(schema));
        reading.cannot_say("a grant without USAGE on the schema", &object);
    }
}

fn phrase(sequence: &QualifiedName, role: &str) -> String {
    format!("`{}` on `{sequence}`", quote(role))
}
