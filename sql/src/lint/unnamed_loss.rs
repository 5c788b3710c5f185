//! What destroys data says so in the header, so that `seal` asks for the reason.

use super::{File, holds};
use crate::plan::Hazard;
use crate::schema::Schema;

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.hazards.iter().any(Hazard::loses_data) {
        return Vec::new();
    }
    file.each(|words| {
        let what = match words {
            // What it makes may delete, once it is called.
            ["create", ..] => return None,
            ["truncate", ..] => "truncate",
            ["drop", "table" | "schema" | "database" | "owned", ..]
            | ["drop", "materialized", "view", ..] => "drop",
            ["drop", .., "cascade"] => "drop … cascade",
            ["alter", "table" | "foreign" | "type", ..] if drops_a_column(words) => "drop column",
            _ if holds(words, &["delete", "from"]) || holds(words, &["then", "delete"]) => "delete",
            _ => return None,
        };
        Some(format!(
            "`{what}` destroys data, and the header does not name it; add a line such as \
             `-- tabellion: loses-data: table public.note: emptied`"
        ))
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
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
