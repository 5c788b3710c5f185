//! What the structs own is changed in the structs, or the next draft takes the change back.

use super::{File, name, past_options};
use crate::rule::{Level, Page};
use crate::schema::{QualifiedName, Role, Schema};

/// A name as the statement gives it, and what it names.
type Named = (Option<String>, String);

pub(super) const PAGE: Page = Page {
    code: "owned-object",
    level: Level::Lint,
    summary: "a statement changes what the structs own",
    text: "\
Why:
  The structs are the source: the next draft would take the change back, and `cargo tabellion verify` report it as
  drift. A child or partition made by hand would show the table's rows past its policies.

To mend it:
  Change the struct, and let the build draw the migration.",
};

pub(super) fn check(file: &File<'_>, schema: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let table = |words: &[&str]| {
            let named = name(past_options(words))?;
            owns_table(schema, &named).then_some(("table", named))
        };
        let on = |words: &[&str]| {
            let at = words.iter().position(|word| *word == "on")?;
            table(&words[at + 1..])
        };
        let index = |words: &[&str]| {
            let named = name(past_options(words))?;
            owns_index(schema, &named).then_some(("index", named))
        };
        let (kind, (_, name)) = match words {
            ["create", "unlogged" | "temp" | "temporary", "table", rest @ ..]
            | ["create" | "alter" | "drop", "table", rest @ ..] => {
                table(rest).or_else(|| parent(schema, rest))?
            }
            ["create" | "alter" | "drop", "policy", rest @ ..] => on(rest)?,
            ["create", "or", "replace", "rule", rest @ ..] | ["create", "rule", rest @ ..] => {
                let at = rest.iter().position(|word| *word == "to")?;
                table(&rest[at + 1..])?
            }
            ["create", "unique", "index", rest @ ..] | ["create", "index", rest @ ..] => on(rest)?,
            ["alter" | "drop", "index", "concurrently", rest @ ..]
            | ["alter" | "drop", "index", rest @ ..] => index(rest)?,
            ["create", "or", "replace", "function" | "procedure", rest @ ..]
            | ["create" | "alter", "function" | "procedure" | "routine", rest @ ..] => {
                function(schema, rest)?
            }
            ["drop", "function" | "procedure" | "routine", rest @ ..] => {
                any(past_options(rest), |words| function(schema, words))?
            }
            ["alter", "schema", rest @ ..] if rest.contains(&"rename") => home(schema, rest)?,
            ["drop", "schema", rest @ ..] => {
                any(past_options(rest), |words| home(schema, words))?
            }
            ["alter", "role" | "user" | "group", rest @ ..] if changes(schema, rest) => {
                role(schema, rest)?
            }
            ["drop", "role" | "user" | "group", rest @ ..] => {
                any(past_options(rest), |words| role(schema, words))?
            }
            ["revoke", "all" | "execute", rest @ ..] if hardens(rest) => return None,
            ["grant" | "revoke", rest @ ..] => {
                let at = rest.iter().position(|word| *word == "on")?;
                granted(schema, &rest[at + 1..])?
            }
            ["comment", "on", "table", rest @ ..] => table(rest)?,
            _ => return None,
        };
        Some(match kind {
            "role" => format!(
                "role `{name}` is the structs', whose policies and grants name it, and has neither login nor powers; leave \
                 it, and let logins be its members"
            ),
            "schema" => format!(
                "schema `{name}` holds tables of the structs, which the next draft would look for there; change the \
                 structs instead"
            ),
            _ => format!(
                "{kind} `{name}` is the structs', and the next draft would take this back; change the struct instead"
            ),
        })
    })
}

/// Whether a REVOKE takes functions of whole schemas from PUBLIC alone, to whom none of the structs' is granted.
fn hardens(words: &[&str]) -> bool {
    let rest = match words {
        ["privileges", rest @ ..] => rest,
        rest => rest,
    };
    let [
        "on",
        "all",
        "functions" | "procedures" | "routines",
        "in",
        "schema",
        rest @ ..,
    ] = rest
    else {
        return false;
    };
    let from = rest.iter().position(|word| *word == "from");
    matches!(
        &rest[from.map_or(rest.len(), |at| at + 1)..],
        ["public"] | ["public", "cascade" | "restrict"]
    )
}

/// The first table of a list behind ON that the structs own: one by one, or all of a schema.
fn granted(schema: &Schema, words: &[&str]) -> Option<(&'static str, Named)> {
    let end = words
        .iter()
        .position(|word| matches!(*word, "to" | "from"))?;
    let list = &words[..end];
    if let ["all", "tables" | "sequences", "in", "schema", schemas @ ..] = list {
        let within = schemas
            .split(|word| *word == ",")
            .filter_map(|words| Some(name(words)?.1));
        let all = within.collect::<Vec<_>>();
        let owned = schema
            .tables
            .keys()
            .find(|table| all.contains(&table.schema));
        return owned.map(|table| ("table", (Some(table.schema.clone()), table.name.clone())));
    }
    match list {
        [
            "all",
            "functions" | "procedures" | "routines",
            "in",
            "schema",
            rest @ ..,
        ] => {
            let is_within = |words: &[&str]| {
                let (_, within) = name(words)?;
                let mut lookups = schema.lookups().into_keys();
                let owned = lookups.find(|function| function.schema == within)?;
                Some(("function", (Some(within), owned.name.clone())))
            };
            any(rest, is_within)
        }
        ["function" | "procedure" | "routine", rest @ ..] => {
            any(rest, |words| function(schema, words))
        }
        ["table", rest @ ..] | rest => any(rest, |words| {
            let named = name(words)?;
            owns_table(schema, &named).then_some(("table", named))
        }),
    }
}

/// The first of a list that the structs own.
fn any(
    list: &[&str],
    owned: impl Fn(&[&str]) -> Option<(&'static str, Named)>,
) -> Option<(&'static str, Named)> {
    list.split(|word| *word == ",").find_map(owned)
}

/// A function that looks a membership up for policies.
fn function(schema: &Schema, words: &[&str]) -> Option<(&'static str, Named)> {
    let named = name(past_options(words))?;
    let (of, name) = &named;
    let is_it = |function: &QualifiedName| {
        function.name == *name && of.as_ref().is_none_or(|of| *of == function.schema)
    };
    let is_owned = schema.lookups().into_keys().any(is_it);
    is_owned.then_some(("function", named))
}

/// A schema with tables of the structs.
fn home(schema: &Schema, words: &[&str]) -> Option<(&'static str, Named)> {
    let named = name(words)?;
    let is_owned = schema.namespaces().contains(named.1.as_str());
    is_owned.then_some(("schema", named))
}

/// A role that the structs name.
fn role(schema: &Schema, words: &[&str]) -> Option<(&'static str, Named)> {
    let named = name(words)?;
    let is_owned = schema.roles.contains_key(&named.1);
    is_owned.then_some(("role", named))
}

/// Whether an ALTER ROLE changes what a migration makes the role with: the name, and the attributes of a role that is
/// not someone else's, but for what only takes away. Its settings are none.
fn changes(schema: &Schema, words: &[&str]) -> bool {
    let is_created = || {
        let role = name(words).and_then(|(_, role)| schema.roles.get(&role));
        role == Some(&Role::Created)
    };
    match words {
        [_, "rename", ..] => true,
        [_, "add" | "drop", ..] => false,
        [_, "with", rest @ ..] | [_, rest @ ..] if takes_away(rest) => false,
        _ => !words.contains(&"set") && !words.contains(&"reset") && is_created(),
    }
}

/// Whether the attributes of an ALTER ROLE give nothing that the role was made without.
fn takes_away(mut words: &[&str]) -> bool {
    while !words.is_empty() {
        words = match words {
            [
                "nologin" | "noinherit" | "nosuperuser" | "nobypassrls" | "nocreaterole"
                | "noreplication" | "nocreatedb",
                rest @ ..,
            ]
            | ["password", "null", rest @ ..]
            | ["connection", "limit", "-", _, rest @ ..]
            | ["connection", "limit", _, rest @ ..]
            | ["valid", "until", _, rest @ ..] => rest,
            _ => return false,
        };
    }
    true
}

/// The table of the structs that a new or altered one becomes a part of: its rows would be seen through
/// the part, past its policies.
fn parent(schema: &Schema, words: &[&str]) -> Option<(&'static str, Named)> {
    let behind = |word: &str, next: &str| {
        let at = words.windows(2).position(|pair| pair == [word, next])?;
        Some(&words[at + 2..])
    };
    let of = behind("partition", "of")
        .or_else(|| behind("inherits", "("))
        .or_else(|| {
            words
                .iter()
                .position(|word| *word == "inherit")
                .map(|at| &words[at + 1..])
        })?;
    of.split(|word| *word == ",")
        .filter_map(name)
        .find(|named| owns_table(schema, named))
        .map(|named| ("table", named))
}

fn owns_table(schema: &Schema, (of, name): &Named) -> bool {
    schema.tables.iter().any(|(table, definition)| {
        let is_it = |schema: &str, own: &str| {
            own == name && of.as_ref().is_none_or(|of| of.as_str() == schema)
        };
        let partitions = &definition.partitions;
        is_it(&table.schema, &table.name)
            || partitions
                .keys()
                .any(|partition| is_it(&table.schema, partition))
    })
}

fn owns_index(schema: &Schema, (of, name): &Named) -> bool {
    schema.tables.iter().any(|(table, definition)| {
        definition.indexes.contains_key(name) && of.as_ref().is_none_or(|of| *of == table.schema)
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::{
        Expr, Index, IndexColumn, Lookup, Policy, QualifiedName, Rls, Role, Schema, Table, Type,
    };

    #[test]
    fn functions_schemas_and_roles_are_owned_too() {
        let mut lookup = Expr::new("true", ["id"]);
        let name = QualifiedName::new("shop", "lookup_member_0a1b2c3d");
        let looked_up = Lookup {
            query: "select m.shop from shop.member m".into(),
            returns: Type::Int8,
            table: QualifiedName::new("shop", "member"),
        };
        lookup.lookups.insert(name, looked_up);
        let policy = Policy {
            command: None,
            restrictive: false,
            roles: ["app".to_owned()].into(),
            using: Some(lookup),
            check: None,
        };
        let mut member = Table::new("shop::Member");
        member.rls = Rls::Enabled([("own".to_owned(), policy)].into());
        let mut schema = Schema::default();
        let name = QualifiedName::new("shop", "member");
        schema.tables.insert(name, member);
        schema.roles.insert("app".into(), Role::Created);
        schema.roles.insert("given".into(), Role::External);
        for sql in [
            "create or replace function shop.lookup_member_0a1b2c3d() returns setof int8 language sql as 'select 1';",
            "alter function shop.lookup_member_0a1b2c3d() security invoker;",
            "alter routine lookup_member_0a1b2c3d rename to x;",
            "alter function \"shop\".\"lookup_member_0a1b2c3d\"() volatile;",
            "drop function if exists other(int), shop.lookup_member_0a1b2c3d() cascade;",
            "revoke execute on function shop.lookup_member_0a1b2c3d() from app;",
            "grant execute on routine other(), shop.lookup_member_0a1b2c3d() to public;",
            "grant execute on all functions in schema shop to public;",
            "revoke all on all routines in schema other, shop from app;",
            "alter schema shop rename to other;",
            "drop schema if exists other, shop;",
            "alter role app rename to other;",
            "alter user given rename to other;",
            "drop role if exists other, app;",
            "drop user given;",
            "alter role app login;",
            "alter role \"app\" with inherit;",
            "alter role app nologin createdb;",
            "alter role app password 'nologin';",
            "alter role app connection limit 5 login;",
            "alter role app valid until 'infinity' password 'null';",
            "revoke execute on all functions in schema shop from public, app;",
        ] {
            assert_eq!(lines("owned-object", sql, &schema), [1], "{sql}");
        }
        for sql in [
            "create function shop.other() returns int8 language sql as 'select 1';",
            "alter function public.lookup_member_0a1b2c3d() volatile;",
            "grant execute on all functions in schema other to public;",
            "alter schema other rename to another;",
            "alter schema shop owner to deploy;",
            "alter role app in database a set work_mem = '1MB';",
            "alter role app reset all;",
            "alter role given nologin;",
            "alter role app nologin;",
            "alter role app noinherit;",
            "alter role \"app\" with nosuperuser nobypassrls nocreaterole noreplication nocreatedb;",
            "alter user app password null;",
            "alter role app with connection limit -1 valid until '2030-01-01' nologin;",
            "revoke execute on all functions in schema shop from public;",
            "revoke all on all routines in schema other, shop from public cascade;",
            "alter role other login;",
            "drop role other;",
            "create role other in role app;",
        ] {
            assert!(lines("owned-object", sql, &schema).is_empty(), "{sql}");
        }
    }

    #[test]
    fn owned_object() {
        let mut note = Table::new("shop::Note");
        let index = Index::new([IndexColumn::new("id")]);
        note.indexes.insert("note_idx".into(), index);
        let mut schema = Schema::default();
        schema
            .tables
            .insert(QualifiedName::new("public", "note"), note);
        let owned = [
            "alter table public.note add column a int;",
            "ALTER TABLE IF EXISTS ONLY \"public\".\"note\" ADD COLUMN a int;",
            "drop table if exists note;",
            "create policy p on public.note for select using (true);",
            "drop policy if exists p on note;",
            "create unique index x on public.note (id);",
            "create index concurrently x on only public.note (id);",
            "drop index concurrently public.note_idx;",
            "alter index if exists note_idx rename to x;",
            "grant select on public.note to a;",
            "revoke all on table note from public;",
            "grant select on other, public.note to a;",
            "grant all on all tables in schema app, public to public;",
            "create table public.kid () inherits (other, public.note);",
            "create table public.kid partition of public.note default;",
            "alter table public.kid inherit public.note;",
            "create or replace rule r as on delete to public.note do instead nothing;",
        ];
        for sql in owned {
            assert_eq!(lines("owned-object", sql, &schema), [1], "{sql}");
        }
        for sql in [
            "alter table public.other add column a int;",
            "alter table app.note add column a int;",
            "update public.note set a = 1;",
            "create trigger t after insert on public.note execute function a.b();",
            "drop index public.other_idx;",
            "grant execute on function public.note() to a;",
            "grant select on all tables in schema app to a;",
            "grant public.note to a;",
            "create table public.kid () inherits (public.other);",
        ] {
            assert!(lines("owned-object", sql, &schema).is_empty(), "{sql}");
        }
    }
}
