//! What destroys data says so in the header, so that `seal` asks for the reason.

use super::{File, holds};
use crate::plan::Hazard;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "unnamed-loss",
    level: Level::Lint,
    summary: "a statement destroys data, and the header does not say so",
    text: "\
Why:
  What loses data is asked about when it is sealed, and somebody answers for it. Of SQL written by hand only its
  header tells.

To mend it:
  Add a line such as `-- tabellion: loses-data: table public.note: emptied`; `cargo tabellion seal` then asks for the
  reason. Or name in WHERE the rows that are meant.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.hazards.iter().any(Hazard::loses_data) {
        return Vec::new();
    }
    file.each(|words| {
        let (what, example) = match words {
            // What it makes may delete, once it is called.
            ["create", ..] => return None,
            ["truncate", ..] => ("`truncate` destroys", "table public.note: emptied"),
            ["drop", "table" | "schema" | "database" | "owned", ..]
            | ["drop", "materialized", "view", ..] => {
                ("`drop` destroys", "table public.note: dropped")
            }
            ["drop", .., "cascade"] => ("`drop … cascade` destroys", "table public.note: dropped"),
            ["alter", "table" | "foreign" | "type", ..] if drops_a_column(words) => {
                ("`drop column` destroys", "column public.note.body: dropped")
            }
            _ if holds(words, &["delete", "from"]) || holds(words, &["then", "delete"]) => {
                ("`delete` destroys", "rows of public.note: those older than a year")
            }
            _ if holds(words, &["then", "update"]) => (
                "`merge … then update` overwrites",
                "column public.note.body: overwritten where a row matches",
            ),
            _ if updates_every_row(words) => (
                "`update` without `where` overwrites",
                "column public.note.body: overwritten in every row",
            ),
            _ => return None,
        };
        Some(format!(
            "{what} data, and the header does not name it; add a line such as `-- tabellion: loses-data: {example}`"
        ))
    })
}

/// An UPDATE, by itself or within a WITH, that no WHERE of its own holds back.
fn updates_every_row(words: &[&str]) -> bool {
    let begins = |at: usize| at == 0 || matches!(words[at - 1], "(" | ")");
    let mut updates = (0..words.len()).filter(|&at| words[at] == "update" && begins(at));
    updates.any(|at| {
        let mut depth = 0_usize;
        let mut sets = false;
        for word in &words[at + 1..] {
            match *word {
                "(" => depth += 1,
                ")" if depth == 0 => break,
                ")" => depth -= 1,
                "set" if depth == 0 => sets = true,
                "where" if depth == 0 => return false,
                _ => {}
            }
        }
        sets
    })
}

/// `drop [column] [if exists] name`, or an attribute of a type, beside what else an ALTER can drop.
fn drops_a_column(words: &[&str]) -> bool {
    let others = ["constraint", "default", "expression", "identity", "not"];
    words
        .windows(2)
        .any(|pair| pair[0] == "drop" && !others.contains(&pair[1]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    fn found(sql: &str) -> Vec<usize> {
        lines("unnamed-loss", sql, &Schema::default())
    }

    #[test]
    fn unnamed_loss() {
        let sql = "\n\nselect 1;\ndelete from a.b;\ntruncate a.b;\ndrop view a.c;\ndrop table a.b;";
        let named = format!("-- tabellion: loses-data: table a.b: emptied{sql}");
        assert_eq!(found(sql), [4, 5, 7]);
        assert!(found(&named).is_empty());
    }

    #[test]
    fn wherever_it_stands() {
        for sql in [
            "with gone as (delete from a.b returning 1) select count(*) from gone;",
            "merge into a.b using a.c on b.id = c.id when matched then delete;",
            "alter table a.b drop column c;",
            "alter table if exists only a.b add column d int, drop c;",
            "alter type a.b drop attribute c;",
            "drop extension if exists citext cascade;",
            "drop type a.b cascade;",
            "drop owned by someone;",
            "update a.b set c = 1;",
            "update only a.b as x set c = (select d from a.e where e.id = x.id);",
            "update a.b set c = d from a.e returning 1;",
            "with x as (select 1 where true) update a.b set c = 1;",
            "with x as (update a.b set c = 1 returning c) select * from x where c > 1;",
            "merge into a.b using a.c on b.id = c.id when matched then update set d = 1;",
        ] {
            assert_eq!(found(sql), [1], "{sql}");
        }
        for sql in [
            "alter table a.b drop constraint c;",
            "alter table a.b alter column c drop not null, alter d drop default;",
            "create policy p on a.b for delete using (true);",
            "create trigger t after delete on a.b execute function a.f();",
            "create function a.f() returns void begin atomic delete from a.b; end;",
            "select 'delete from a.b';",
            "update a.b set c = 1 where d is null;",
            "update a.b set (c, d) = (select 1, 2) where current of e;",
            "with x as (update a.b set c = 1 where d returning c) select * from x;",
            "insert into a.b (id, c) values (1, 2) on conflict (id) do update set c = excluded.c;",
            "insert into a.b (update) values (1);",
            "select 1 from a.b for update;",
            "alter table a.b add foreign key (c) references a.d on update cascade;",
            "alter publication a set (publish = 'insert, update');",
            "create policy p on a.b for update using (true);",
            "merge into a.b using a.c on b.id = c.id when not matched then insert (id) values (c.id);",
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
