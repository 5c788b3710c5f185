//! What the structs own is changed in the structs, or the next draft takes the change back.

use super::{File, name, past_options};
use crate::schema::Schema;

/// A name as the statement gives it, and what it names.
type Named = (Option<String>, String);

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
            | ["create" | "alter" | "drop", "table", rest @ ..] => table(rest)?,
            ["create" | "alter" | "drop", "policy", rest @ ..] => on(rest)?,
            ["create", "unique", "index", rest @ ..] | ["create", "index", rest @ ..] => on(rest)?,
            ["alter" | "drop", "index", "concurrently", rest @ ..]
            | ["alter" | "drop", "index", rest @ ..] => index(rest)?,
            ["grant" | "revoke", rest @ ..] => {
                let at = rest.iter().position(|word| *word == "on")?;
                match &rest[at + 1..] {
                    ["table", rest @ ..] | rest => table(rest)?,
                }
            }
            ["comment", "on", "table", rest @ ..] => table(rest)?,
            _ => return None,
        };
        Some(format!(
            "{kind} `{name}` is the structs', and the next draft would take this back; change the struct instead"
        ))
    })
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
        ] {
            assert!(lines("owned-object", sql, &schema).is_empty(), "{sql}");
        }
    }
}
