//! A view runs as its owner, who may see every row, unless it says otherwise.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "view-invoker",
    level: Level::Lint,
    summary: "a view reads its tables as its owner",
    text: "\
Why:
  A view runs with its owner's rights, and for an owner who bypasses row-level security, as a superuser or a role
  with BYPASSRLS does, no policy of the tables below holds: whoever may read the view reads the rows of all tenants.

To mend it:
  `create view … with (security_invoker = true) as …`: it then reads as whoever asks, under the tables' policies.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        if let ["alter", "view" | "table", ..] = words {
            return altered(words);
        }
        let rest = match words {
            ["create", "or", "replace", rest @ ..] | ["create", rest @ ..] => rest,
            _ => return None,
        };
        let rest = match rest {
            ["temp" | "temporary" | "recursive", rest @ ..] => rest,
            rest => rest,
        };
        let ["view", rest @ ..] = rest else {
            return None;
        };
        // The options stand before the query.
        let end = rest.iter().position(|word| *word == "as");
        let head = &rest[..end.unwrap_or(rest.len())];
        (!is_invoker(head)).then(|| {
            "a view without `security_invoker` runs as its owner and passes by row-level security; write \
             `create view NAME with (security_invoker = true) as ...`"
                .into()
        })
    })
}

/// Whether options say that a view reads as whoever asks, and none says that it does not.
fn is_invoker(options: &[&str]) -> bool {
    let places = (options.iter().enumerate()).filter(|(_, word)| is_option(word));
    let mut said = places.map(|(at, _)| match &options[at + 1..] {
        ["=", value, ..] => is_true(value),
        _ => true,
    });
    said.next().unwrap_or(false) && said.all(|it| it)
}

/// Whether PostgreSQL reads a value as true: in any case, in quotes or without, and by its first letters, as
/// <https://www.postgresql.org/docs/15/datatype-boolean.html> has it.
fn is_true(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    let begins = |word: &str| !value.is_empty() && word.starts_with(&value);
    begins("true") || begins("yes") || ["on", "1"].contains(&value.as_str())
}

/// Whether a word names the option, in quotes or without.
fn is_option(word: &str) -> bool {
    word.trim_matches('"') == "security_invoker"
}

/// What is to be said where a view's option is changed.
fn altered(words: &[&str]) -> Option<String> {
    let is_reset = words.contains(&"reset");
    let is_named = words.iter().any(|word| is_option(word));
    (is_named && (is_reset || !is_invoker(words))).then(|| {
        "the view is to run as its owner and pass by row-level security; leave `security_invoker` on".into()
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn view_invoker_is_on_in_every_spelling() {
        for (value, is_on) in [
            ("true", true),
            ("T", true),
            ("tru", true),
            ("yes", true),
            ("y", true),
            ("on", true),
            ("1", true),
            ("'yes'", true),
            ("'YE'", true),
            ("\"true\"", true),
            ("o", false),
            ("off", false),
            ("no", false),
            ("'f'", false),
            ("0", false),
            ("''", false),
            ("trues", false),
        ] {
            let sql = format!("create view a.b with (security_invoker = {value}) as select 1;");
            let found = lines("view-invoker", &sql, &Schema::default());
            assert_eq!(found.is_empty(), is_on, "{sql}");
        }
    }

    #[test]
    fn view_invoker() {
        let sql = "create view a.b as select 1 as security_invoker;\n\
                   create or replace view a.b with (security_invoker = true) as select 1;\n\
                   create view a.c (d) with (security_barrier, security_invoker) as select 1;\n\
                   create view a.c with (security_invoker = false) as select 1;\n\
                   create materialized view a.d as select 1;\n\
                   create view a.e with (security_invoker = true, security_invoker = false) as select 1;\n\
                   alter view a.b set (security_invoker = false);\n\
                   alter table if exists a.b set (security_barrier, security_invoker = off);\n\
                   alter view a.b reset (security_invoker);\n\
                   alter view a.b set (security_invoker = on);\n\
                   alter view a.b rename to c;\n\
                   alter table a.b reset (\"security_invoker\");\n\
                   create view a.f with (\"security_invoker\" = true) as select 1;\n\
                   alter view a.b set (\"security_invoker\" = false);";
        assert_eq!(
            lines("view-invoker", sql, &Schema::default()),
            [1, 4, 6, 7, 8, 9, 12, 14]
        );
    }
}
