//! What lets someone see or change more says so in the header, so that `seal` asks for the reason.

use super::{File, holds, name};
use crate::plan::Hazard;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "unnamed-access",
    level: Level::Lint,
    summary: "a statement lets someone see or change more, and the header does not say so",
    text: "\
Why:
  What widens access is asked about when it is sealed, and somebody answers for it. Of SQL written by hand only its
  header tells. Think of a materialized view, which has no policies: granted to an application's role, it shows the
  rows of all tenants.

To mend it:
  Add a line such as `-- tabellion: widens-access: role app: reads table public.note`; `cargo tabellion seal` then
  asks for the reason. Or grant less.",
};

pub(super) fn check(file: &File<'_>, schema: &Schema) -> Vec<(usize, String)> {
    if file
        .header
        .hazards
        .iter()
        .any(|hazard| matches!(hazard, Hazard::WidensAccess(_)))
    {
        return Vec::new();
    }
    file.each(|words| {
        let (what, example) = match words {
            ["grant", rest @ ..] if rest.contains(&"on") => (
                "`grant` gives a privilege",
                "role app: reads and writes table public.note",
            ),
            ["create", "role" | "user" | "group", _, rest @ ..] if is_membership(rest) => (
                "`create role` makes a role a member of another",
                "role app: may do what role reader may",
            ),
            ["alter", "group", _, "add", ..] => (
                "`alter group` makes a role a member of another",
                "role app: may do what role reader may",
            ),
            ["create" | "alter", rest @ ..]
                if rest.iter().any(|word| matches!(*word, "function" | "procedure" | "routine"))
                    && is_leakproof(rest) =>
            {
                (
                    "`leakproof` has a function look at rows before a policy does",
                    "function public.like: sees rows that policies keep from its caller",
                )
            }
            ["grant", ..] => (
                "`grant` makes a role a member of another",
                "role app: may do what role reader may",
            ),
            ["alter", "default", "privileges", rest @ ..] if rest.contains(&"grant") => (
                "`alter default privileges` gives a privilege on whatever is made later",
                "role app: reads every table that is made later in public",
            ),
            ["reassign", "owned", ..] => (
                "`reassign owned` gives every right of an owner",
                "role app: owns what role former owned",
            ),
            ["alter", "role" | "user", rest @ ..] if rest.contains(&"set") => (
                "`alter role … set` changes what policies see of each later session",
                "role app: its sessions begin in the shop of the demonstration",
            ),
            ["alter", "database" | "system", rest @ ..] if rest.contains(&"set") => (
                "a setting of the database or the server changes what policies see of each later session",
                "database shop: sessions begin in the shop of the demonstration",
            ),
            ["create", "schema", rest @ ..] if is_for_a_scope(rest, schema) => (
                "`authorization` gives every right of an owner",
                "role app: owns schema desk",
            ),
            ["alter", ..] if holds(words, &["owner", "to"]) => (
                "`owner to` gives every right of an owner",
                "role app: owns table public.note",
            ),
            ["alter", "table", ..]
                if holds(words, &["disable", "row", "level"])
                    || holds(words, &["no", "force", "row"]) =>
            {
                (
                    "the table's policies no longer hold for all",
                    "table public.note: its policies hold for nobody, or not for its owner",
                )
            }
            ["create" | "alter", ..] if holds(words, &["security", "definer"]) => (
                "`security definer` lends its owner's rights to whoever may call it",
                "function public.total: its callers see every shop's sum",
            ),
            ["create", "rule", ..] | ["create", "or", "replace", "rule", ..] => (
                "`create rule` has whoever writes to a relation act as its owner",
                "table public.note: whoever inserts a row deletes from table public.draft",
            ),
            _ => return None,
        };
        Some(format!(
            "{what}, and the header does not name it; add a line such as `-- tabellion: widens-access: {example}`"
        ))
    })
}

/// Whether a new schema belongs to a role that the structs name.
fn is_for_a_scope(words: &[&str], schema: &Schema) -> bool {
    let at = words.iter().position(|word| *word == "authorization");
    let owner = at.and_then(|at| name(&words[at + 1..]));
    owner.is_some_and(|(_, role)| schema.roles.contains_key(&role))
}

/// Whether the options of a new role make it a member, or others its members.
fn is_membership(options: &[&str]) -> bool {
    holds(options, &["in", "role"])
        || holds(options, &["in", "group"])
        || options
            .iter()
            .any(|word| matches!(*word, "role" | "user" | "admin"))
}

/// Whether the options of a routine, which stand outside of its body's quotes, call it leakproof.
fn is_leakproof(options: &[&str]) -> bool {
    options.contains(&"leakproof") && !holds(options, &["not", "leakproof"])
}

#[cfg(test)]
mod tests {
    use super::super::pair;
    use super::super::tests::lines;
    use crate::schema::{Role, Schema};

    #[test]
    fn the_example_fits_the_statement() {
        for (sql, example) in [
            (
                "grant usage on schema a to b;",
                "role app: reads and writes table",
            ),
            ("grant a to b;", "role app: may do what role reader may"),
            ("alter table a.b owner to c;", "role app: owns table"),
            (
                "alter table a.b disable row level security;",
                "table public.note: its policies",
            ),
            (
                "alter database a set app.current_shop = 'x';",
                "database shop: ",
            ),
        ] {
            let found = pair(
                ("up.sql", sql),
                ("down.sql", "select 1;"),
                &Schema::default(),
            );
            let said: Vec<&str> = found
                .iter()
                .filter(|finding| finding.rule == "unnamed-access")
                .map(|finding| finding.message.as_str())
                .collect();
            let line = format!("such as `-- tabellion: widens-access: {example}");
            assert!(
                said.len() == 1 && said[0].contains(&line),
                "{sql}: {said:?}"
            );
            // As it stands, the line is one that a header takes.
            let (_, line) = said[0].split_once("such as `").expect("an example");
            let line = line.trim_end_matches('`');
            let named = format!("{line}\n\n{sql}");
            assert!(
                lines("unnamed-access", &named, &Schema::default()).is_empty(),
                "{named}"
            );
            assert!(
                lines("not-sql", &named, &Schema::default()).is_empty(),
                "{named}"
            );
        }
    }

    #[test]
    fn a_schema_of_a_scope_is_named() {
        let mut schema = Schema::default();
        schema.roles.insert("app".into(), Role::Created);
        for sql in [
            "create schema desk authorization app;",
            "create schema if not exists desk authorization \"app\";",
            "create schema authorization app;",
        ] {
            assert_eq!(lines("unnamed-access", sql, &schema), [1], "{sql}");
            let named = format!("-- tabellion: widens-access: role app: owns schema desk\n{sql}");
            assert!(lines("unnamed-access", &named, &schema).is_empty(), "{sql}");
        }
        let sql = "create schema desk authorization deploy;\ncreate schema desk;";
        assert!(lines("unnamed-access", sql, &schema).is_empty());
    }

    #[test]
    fn unnamed_access() {
        let found = |sql: &str| lines("unnamed-access", sql, &Schema::default());
        for sql in [
            "grant usage on schema a to b;",
            "grant a to b;",
            "alter default privileges in schema a grant select on tables to b;",
            "reassign owned by a to b;",
            "alter table a.b owner to c;",
            "alter role a set app.current_shop = 'x';",
            "alter role a in database b set row_security = off;",
            "alter database a set app.current_shop = 'x';",
            "alter table a.b disable row level security;",
            "alter table a.b no force row level security;",
            "create function a.f() returns int language sql security definer set search_path = '' as 'select 1';",
            "create role x in role pg_read_all_data;",
            "create role x nologin in group postgres;",
            "create user x admin app;",
            "create role x role anon;",
            "alter group a add user b;",
            "alter function a.f() leakproof;",
            "create rule r as on insert to a.b do also delete from c;",
            "create or replace rule r as on insert to a.b do also delete from c;",
            "create or replace function a.f() returns int language sql leakproof as 'select 1';",
        ] {
            assert_eq!(found(sql), [1], "{sql}");
            let named = format!("-- tabellion: widens-access: role b: sees a\n{sql}");
            assert!(found(&named).is_empty(), "{sql}");
        }
        for sql in [
            "revoke all on schema a from public;",
            "alter default privileges in schema a revoke all on tables from b;",
            "alter role a nologin;",
            "alter table a.b enable row level security;",
            "select 'grant';",
            "create role admin nologin;",
            "alter function a.f() not leakproof;",
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
