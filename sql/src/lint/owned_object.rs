//! What the structs own is changed in the structs, or the next draft takes the change back.

use super::{File, name, past_options};
use crate::rule::{Level, Page};
use crate::schema::Schema;

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
            ["grant" | "revoke", rest @ ..] => {
                let at = rest.iter().position(|word| *word == "on")?;
                granted(schema, &rest[at + 1..])?
            }
            ["comment", "on", "table", rest @ ..] => table(rest)?,
            _ => return None,
        };
        Some(format!(
            "{kind} `{name}` is the structs', and the next draft would take this back; change the struct instead"
        ))
    })
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
    let list = match list {
        ["table", rest @ ..] => rest,
        _ => list,
    };
    list.split(|word| *word == ",")
        .filter_map(name)
        .find(|named| owns_table(schema, named))
        .map(|named| ("table", named))
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
    use crate::schema::{Index, IndexColumn, QualifiedName, Schema, Table};

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
