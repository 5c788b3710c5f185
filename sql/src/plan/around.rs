//! What stands around tables: roles, PostgreSQL schemas, extensions.

use std::collections::BTreeSet;

use crate::ident::{quote, quote_dollar, quote_literal};
use crate::schema::{Role, Schema, extension};

use super::Question;
use super::statements::{Group, Plan};

/// Roles are shared by every database of a server: one is created where it is missing, and never dropped.
pub(super) fn roles(from: &Schema, to: &Schema, plan: &mut Plan) {
    for (name, role) in &to.roles {
        if *role == Role::External || from.roles.get(name) == Some(role) {
            continue;
        }
        let (literal, ident) = (quote_literal(name), quote(name));
        let body = format!(
            "begin\n  \
             if not exists (select from pg_catalog.pg_roles where rolname = {literal}) then\n    \
             create role {ident} nologin noinherit;\n  \
             end if;\n\
             exception when duplicate_object or unique_violation then\n  \
             null; -- another database of this server created it at the same moment\n\
             end"
        );
        plan.group("roles")
            .push(format!("do {}", quote_dollar(&body)));
    }
}

/// What stands before the move of an extension that was declared in no PostgreSQL schema.
pub(crate) const LAY_ANYWHERE: &str =
    "-- where it lay before is not declared: the rollback leaves it where it is";

/// The PostgreSQL schemas that hold an extension.
fn homes<'a>(from: &'a Schema, to: &'a Schema) -> BTreeSet<&'a str> {
    let both = extension::homes(&from.extensions).chain(extension::homes(&to.extensions));
    both.collect()
}

/// The schema with its extensions where they are wanted, if one of them lies elsewhere. It comes before all other
/// changes, so that every file is about one place.
pub(super) fn moved(from: &Schema, to: &Schema) -> Option<Schema> {
    let mut moved = from.clone();
    for (name, _) in extension::moved(&from.extensions, &to.extensions) {
        let wanted = to.extensions[name].clone();
        moved.extensions.insert(name.clone(), wanted);
    }
    let external = to.external_schemas.iter().cloned();
    moved.external_schemas.extend(external);
    (moved.extensions != from.extensions).then_some(moved)
}

/// What is asked of an extension that would have to move and cannot, or of which it is no longer said where it
/// lies; a table is where it is told.
///
/// One that is new in a schema which an earlier migration has made is asked about too: the rollback leaves
/// it there, and that of the earlier one could not drop the schema. `before` are those that none drops.
pub(super) fn ask(from: &Schema, to: &Schema, before: &BTreeSet<String>) -> Vec<Question> {
    let Some(table) = to.tables.keys().next() else {
        return Vec::new();
    };
    let question = |message: String| Question {
        table: table.clone(),
        column: None,
        message,
    };
    let moved = extension::moved(&from.extensions, &to.extensions);
    let fixed = moved.filter(|(name, _)| extension::is_fixed(name));
    let fixed = fixed.filter_map(|(name, new)| {
        let (from, declared) = match &from.extensions[name].schema {
            // It lies there where nobody has put it elsewhere.
            None if new == "public" => return None,
            None => (String::new(), format!(".extension({name:?})")),
            Some(old) => (
                format!(" from PostgreSQL schema `{old}`"),
                format!(".extension_in({name:?}, {old:?})"),
            ),
        };
        Some(format!(
            "extension `{name}` would move{from} to `{new}`, and is one that PostgreSQL does not move; declare it as \
             it was, `{declared}`"
        ))
    });
    let undeclared = from.extensions.iter().filter_map(|(name, before)| {
        let (old, after) = (before.schema.as_ref()?, to.extensions.get(name)?);
        after.schema.is_none().then(|| {
            format!(
                "extension `{name}` is declared in no PostgreSQL schema any more, and lies in `{old}`; say where it is \
                 to lie, as `.extension_in({name:?}, {old:?})`"
            )
        })
    });
    let (kept, made) = (kept(from, from, before), from.namespaces());
    let late = to.extensions.iter().filter_map(|(name, after)| {
        let home = after.schema.as_deref()?;
        // One that lay elsewhere goes back there.
        let before = from.extensions.get(name);
        let stays = before != Some(after) && before.is_none_or(|it| it.schema.is_none());
        let is_dropped = made.contains(home)
            && !kept.contains(home)
            && home != "public"
            && [from, to].iter().all(|it| !it.external_schemas.contains(home));
        (stays && is_dropped).then(|| {
            format!(
                "extension `{name}` would lie in PostgreSQL schema `{home}`, which an earlier migration has made for \
                 tables: a rollback leaves the extension there, and that migration's own could not drop the schema; \
                 give it one of its own, such as `.extension_in({name:?}, \"extensions\")`"
            )
        })
    });
    fixed.chain(undeclared).chain(late).map(question).collect()
}

/// An extension is installed where it is missing, and never dropped: others may have come to need it. One that is
/// there moves to the schema that it is declared in.
pub(super) fn extensions(from: &Schema, to: &Schema, plan: &mut Plan) {
    let group = plan.group("extensions");
    for (name, new) in extension::moved(&from.extensions, &to.extensions) {
        // Whoever does not own it can still say where it lies already.
        let unknown = match &from.extensions[name].schema {
            None => format!("  {LAY_ANYWHERE}\n"),
            Some(_) => String::new(),
        };
        let body = format!(
            "begin\n{unknown}  \
             if exists (\n    \
             select from pg_catalog.pg_extension e\n    \
             join pg_catalog.pg_namespace n on n.oid = e.extnamespace\n    \
             where e.extname = {} and n.nspname <> {}\n  \
             ) then\n    \
             alter extension {} set schema {};\n  \
             end if;\n\
             end",
            quote_literal(name),
            quote_literal(new),
            quote(name),
            quote(new)
        );
        group.push(format!("do {}", quote_dollar(&body)));
    }
    for (name, extension) in &to.extensions {
        if from.extensions.contains_key(name) {
            continue;
        }
        let mut text = format!("create extension if not exists {}", quote(name));
        if let Some(schema) = &extension.schema {
            text.push_str(&format!(" with schema {}", quote(schema)));
        }
        group.push(text);
    }
}

/// Lets expressions find the operators and functions of extensions that lie in a PostgreSQL schema of
/// their own, for this transaction only, behind whatever the login finds by itself. Without it `=` on a
/// `citext` would quietly compare as text.
pub(super) fn search_path(from: &Schema, to: &Schema, plan: &mut Plan) {
    let homes = homes(from, to);
    if homes.is_empty() || plan.is_empty() {
        return;
    }
    let homes: Vec<String> = homes
        .into_iter()
        .map(|home| quote_literal(&quote(home)))
        .collect();
    let mut first = Group::new("extensions");
    first.push(format!(
        "select pg_catalog.set_config('search_path', pg_catalog.concat_ws(', ', \
         nullif(pg_catalog.current_setting('search_path'), ''), {}), true)",
        homes.join(", ")
    ));
    plan.groups.insert(0, first);
}

/// Creates the PostgreSQL schemas that are new, and lets those use them who may. One of someone else keeps what it
/// grants. `kept` are those in which an extension lies or has lain: no migration has dropped them.
pub(super) fn namespaces(from: &Schema, to: &Schema, kept: &BTreeSet<String>, plan: &mut Plan) {
    let with_tables = to.namespaces();
    let homes = extension::homes(&to.extensions).filter(|home| !to.is_given(home));
    let mut there = from.namespaces();
    there.extend(extension::homes(&from.extensions));
    // An extension that may lie anywhere stays where it is, and in use.
    let left = from.extensions.iter().filter(|(name, _)| {
        let after = to.extensions.get(*name);
        after.is_none_or(|after| after.schema.is_some())
    });
    let left = left.filter_map(|(_, extension)| extension.schema.as_deref());
    let left = left.filter(|home| !from.is_given(home) && !from.external_schemas.contains(*home));
    let all = with_tables.iter().copied().chain(homes).chain(left);
    for namespace in all.collect::<BTreeSet<&str>>() {
        if namespace == "public" {
            continue;
        }
        let ident = quote(namespace);
        let group = match with_tables.contains(namespace) {
            true => plan.group(&format!("schema {ident}")),
            false => plan.group("extensions"),
        };
        let is_external = to.external_schemas.contains(namespace);
        if !there.contains(namespace) && !is_external {
            let how = match kept.contains(namespace) {
                true => "if not exists ",
                false => "",
            };
            group.push(format!("create schema {how}{ident}"));
        }
        let (before, after) = (from.users(namespace), to.users(namespace));
        for role in after.difference(&before) {
            group.push(format!("grant usage on schema {ident} to {}", quote(role)));
        }
        let revoked = before.difference(&after).filter(|_| !is_external);
        for role in revoked {
            group.push(format!(
                "revoke usage on schema {ident} from {}",
                quote(role)
            ));
        }
    }
}

/// Drops the PostgreSQL schemas that have become empty, but for those of someone else, and those that are `kept`.
pub(super) fn drop_namespaces(
    from: &Schema,
    to: &Schema,
    kept: &BTreeSet<String>,
    plan: &mut Plan,
) {
    let needed = to.namespaces();
    let stays = |namespace: &str| {
        let schemas = [from, to];
        let mut externals = schemas.iter().map(|schema| &schema.external_schemas);
        namespace == "public"
            || needed.contains(namespace)
            || kept.contains(namespace)
            || externals.any(|external| external.contains(namespace))
    };
    for namespace in from.namespaces() {
        if !stays(namespace) {
            let ident = quote(namespace);
            plan.group(&format!("schema {ident}"))
                .push(format!("drop schema {ident}"));
        }
    }
}

/// The PostgreSQL schemas in which an extension lies on either side, or has lain before.
pub(super) fn kept(from: &Schema, to: &Schema, before: &BTreeSet<String>) -> BTreeSet<String> {
    let homes = homes(from, to).into_iter().map(str::to_owned);
    homes.chain(before.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plan::{Migration, Settings, migrations, plan};
    use crate::schema::{Command, Extension, QualifiedName, Renames, Table};

    fn app() -> Schema {
        let table = Table {
            grants: BTreeMap::from([("app".into(), BTreeSet::from([Command::Select]))]),
            ..Table::new("shop::Note")
        };
        Schema {
            tables: BTreeMap::from([(QualifiedName::new("app", "note"), table)]),
            ..Schema::default()
        }
    }

    #[test]
    fn a_schema_of_someone_else_is_neither_created_nor_dropped() {
        let (nothing, own) = (Schema::default(), app());
        assert!(plan(&nothing, &own).body().contains("create schema app;"));
        assert!(plan(&own, &nothing).body().contains("drop schema app;"));
        let mut external = own.clone();
        external.external_schemas.insert("app".into());
        let up = plan(&nothing, &external).body();
        assert!(!up.contains("create schema"), "{up}");
        assert!(up.contains("grant usage on schema app to app;"), "{up}");
        for (from, to) in [(&external, &nothing), (&own, &external)] {
            let body = plan(from, to).body();
            assert!(!body.contains("schema app"), "{body}");
        }
    }

    /// A table, and an extension in that schema.
    fn with(extension: &str, schema: Option<&str>) -> Schema {
        let schema = schema.map(str::to_owned);
        let extensions = [(extension.to_owned(), Extension { schema })];
        Schema {
            extensions: extensions.into(),
            ..app()
        }
    }

    fn asked(from: &Schema, to: &Schema) -> Result<Vec<Migration>, Vec<Question>> {
        migrations(from, to, &Renames::default(), &Settings::default())
    }

    #[test]
    fn an_extension_moves_before_anything_else_and_back_after_it() {
        let places = [None, Some("public"), Some("ext"), Some("My Ext")];
        let wanted = ["nowhere", "public", "ext", "\"My Ext\""];
        for (one, old) in places.into_iter().zip(wanted) {
            let there = places.into_iter().zip(wanted).skip(1);
            for (other, new) in there.filter(|it| it.1 != old) {
                let (from, mut to) = (with("citext", one), with("citext", other));
                to.tables.clear();
                let pairs = asked(&from, &to).expect("no question");
                assert_eq!(pairs.len(), 2);
                let (up, down) = (pairs[0].up.body(), pairs[0].down.body());
                let moved = |to| format!("alter extension citext set schema {to};");
                assert!(up.contains(&moved(new)), "{up}");
                // Where nobody said where it lay, it may have lain there already.
                assert_eq!(down.contains(&moved(old)), one.is_some(), "{down}");
                assert_eq!(down.contains("alter extension"), one.is_some(), "{down}");
                assert!(!pairs[1].up.body().contains("alter extension"));
                let made = format!("create schema if not exists {new};");
                assert_eq!(up.contains(&made), new != "public", "{up}");
                let body = plan(&from, &to).body();
                assert!(body.contains(&moved(new)), "{body}");
            }
        }
    }

    #[test]
    fn an_extension_that_postgresql_does_not_move_is_asked_about() {
        for (one, other, remedy) in [
            (None, "gis", "`.extension(\"postgis\")`"),
            (
                Some("gis"),
                "public",
                "`.extension_in(\"postgis\", \"gis\")`",
            ),
        ] {
            let told = asked(&with("postgis", one), &with("postgis", Some(other)));
            let told = told.expect_err("a question");
            assert_eq!(told.len(), 1);
            let message = &told[0].message;
            assert!(message.starts_with("extension `postgis` would move"));
            assert!(message.ends_with(remedy), "{message}");
        }
        assert!(asked(&with("postgis", None), &with("postgis", Some("public"))).is_ok());
    }

    #[test]
    fn an_extension_in_a_schema_that_a_rollback_will_drop_is_asked_about() {
        let told = asked(&app(), &with("citext", Some("app"))).expect_err("a question");
        assert_eq!(
            told[0].message,
            "extension `citext` would lie in PostgreSQL schema `app`, which an earlier migration has made for tables: \
             a rollback leaves the extension there, and that migration's own could not drop the schema; give it one \
             of its own, such as `.extension_in(\"citext\", \"extensions\")`"
        );
        assert!(asked(&with("ltree", None), &with("ltree", Some("app"))).is_err());
        assert!(asked(&with("ltree", Some("other")), &with("ltree", Some("app"))).is_ok());
        // Nothing drops one in which an extension lay from the first, or that is someone else's.
        let both = |mut schema: Schema| {
            schema
                .extensions
                .extend(with("ltree", Some("app")).extensions);
            schema
        };
        let citext = with("citext", Some("app"));
        assert!(asked(&citext, &both(citext.clone())).is_ok());
        assert!(asked(&Schema::default(), &citext).is_ok());
        let mut external = app();
        external.external_schemas.insert("app".into());
        assert!(asked(&external, &both(external.clone())).is_ok());
        let lain = Settings {
            homes: BTreeSet::from(["app".into()]),
            ..Settings::default()
        };
        assert!(migrations(&app(), &citext, &Renames::default(), &lain).is_ok());
    }

    #[test]
    fn an_extension_of_which_it_is_no_longer_said_where_it_lies_is_asked_about() {
        let told = asked(&with("citext", Some("ext")), &with("citext", None));
        let told = told.expect_err("a question");
        assert_eq!(
            told[0].message,
            "extension `citext` is declared in no PostgreSQL schema any more, and lies in `ext`; say where it is to \
             lie, as `.extension_in(\"citext\", \"ext\")`"
        );
    }

    #[test]
    fn a_schema_that_holds_an_extension_too_stays() {
        let mut with = app();
        let schema = Some("app".to_owned());
        with.extensions
            .insert("citext".into(), Extension { schema });
        let up = plan(&Schema::default(), &with).body();
        assert!(!up.contains("create schema app;"), "{up}");
        let down = plan(&with, &Schema::default()).body();
        assert!(!down.contains("drop schema"), "{down}");
    }
}
