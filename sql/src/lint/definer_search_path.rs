//! A function that runs as its owner finds what its caller's search path leads to, unless it sets its own.

use super::{File, holds};
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "definer-search-path",
    level: Level::Lint,
    summary: "a function runs as its owner and finds names by its caller's search path",
    text: "\
Why:
  Whoever calls a `security definer` function chooses the search path, and so which table or function of a name it
  uses: one of the caller's own, run with the owner's rights, past every policy. Even a path of its own that does not
  name pg_temp has it, as the first place of all for tables and types: with an empty one, `x::uuid` may be a domain
  that the caller made there, whose CHECK the owner then runs. Where a path names pg_temp, that is its place.

To mend it:
  Add `set search_path = pg_catalog, pg_temp` to the function, with pg_temp last, and write each other name with its
  schema. Revoke EXECUTE from PUBLIC.",
};

const REMEDY: &str = "`set search_path = pg_catalog, pg_temp`";

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let kind = match words {
            ["create", "or", "replace", kind, ..] | ["create", kind, ..] => *kind,
            ["alter", kind, ..] => *kind,
            _ => return None,
        };
        if !matches!(kind, "function" | "procedure" | "routine") {
            return None;
        }
        let is_altered = words[0] == "alter";
        let words = &options(words);
        if holds(words, &["security", "invoker"]) {
            return None;
        }
        let is_definer = holds(words, &["security", "definer"]);
        match said(words) {
            Some(["reset", ..]) if is_altered => Some(format!(
                "the {kind} loses the `search_path` of its own, which one that runs as its owner must not; leave it"
            )),
            None | Some(["reset", ..]) if is_definer => Some(format!(
                "a {kind} with `security definer` and no `search_path` of its own can be led to a stranger's \
                 objects; add {REMEDY} and qualify its other names"
            )),
            Some(path) if (is_definer || is_altered) && !ends_in_temporary(path) => Some(format!(
                "a {kind} that runs as its owner finds its caller's temporary tables and types before all others, \
                 where its `search_path` does not name pg_temp last; write {REMEDY} and qualify its other names"
            )),
            _ => None,
        }
    })
}

/// The words without what is in parentheses, such as the arguments, and without a body that is no literal.
fn options<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut depth = 0_usize;
    let mut options = Vec::new();
    for word in words {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "atomic" | "return" if depth == 0 => break,
            word if depth == 0 => options.push(word),
            _ => {}
        }
    }
    options
}

/// What is said last of a path of its own, which is what PostgreSQL keeps: `reset …`, or what stands behind
/// `set search_path`, or behind `set`, where `schema` and a literal are another way to say it.
fn said<'a, 'b>(words: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let starts = (0..words.len()).rev();
    let mut said = starts.filter_map(|at| match &words[at..] {
        ["set", parameter, path @ ..] if is_path(parameter) => Some(path),
        ["set", "schema", schema, ..] if schema.contains(['\'', '$']) => Some(&words[at + 1..]),
        ["reset", what, ..] if *what == "all" || is_path(what) => Some(&words[at..]),
        _ => None,
    });
    said.next()
}

/// Whether a parameter is the path; PostgreSQL knows it in whatever case.
fn is_path(parameter: &str) -> bool {
    parameter
        .trim_matches('"')
        .eq_ignore_ascii_case("search_path")
}

/// Whether a path, behind `=`, `to` or `schema`, names pg_temp in the last place and nowhere else.
fn ends_in_temporary(path: &[&str]) -> bool {
    let is_temporary = |word: &str| matches!(word, "pg_temp" | "\"pg_temp\"" | "'pg_temp'");
    let names = path.chunks(2).enumerate();
    let names = names.take_while(|(at, chunk)| *at == 0 || chunk[0] == ",");
    let places: Vec<bool> = names
        .filter_map(|(_, chunk)| chunk.get(1))
        .map(|name| is_temporary(name))
        .collect();
    places
        .split_last()
        .is_some_and(|(last, others)| *last && !others.contains(&true))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn definer_search_path() {
        let sql = "create function a.b() returns int language sql security definer as 'select 1';\n\
                   create function a.b() returns int language sql security definer\n\
                     set search_path = pg_catalog, pg_temp as 'select 1';\n\
                   create function a.b() returns int language sql as $$ select 1 -- security definer\n$$;\n\
                   alter function a.b() security definer;\n\
                   create function a.b() returns int language sql security definer\n\
                     set search_path from current as 'select 1';\n\
                   alter function a.b() reset search_path;\nalter function a.b() reset all;\n\
                   alter function a.b() reset work_mem;\nalter function a.b() reset \"search_path\";\n\
                   alter function a.b() set schema public;";
        let found = lines("definer-search-path", sql, &Schema::default());
        assert_eq!(found, [1, 6, 7, 9, 10, 12]);
    }

    #[test]
    fn a_path_names_pg_temp_last() {
        let found = |path: &str| {
            let create = format!(
                "create or replace procedure a.b() language sql security definer {path} as 'select 1';"
            );
            let alter = format!("alter function a.b() {path};");
            let found = |sql: &str| lines("definer-search-path", sql, &Schema::default()).len();
            assert_eq!(found(&create), found(&alter), "{path}");
            // One that runs as whoever calls it leads nobody astray.
            assert_eq!(found(&create.replace("definer", "invoker")), 0, "{path}");
            let invoker = alter.replace("()", "() security invoker");
            assert_eq!(found(&invoker), 0, "{path}");
            found(&create) == 1
        };
        for path in [
            "''",
            "public",
            "pg_catalog",
            "pg_catalog, public",
            "\"$user\"",
            "\"$user\", public",
            "pg_temp, pg_catalog",
            "pg_temp, pg_catalog, pg_temp",
            "'pg_catalog, pg_temp'",
            "\"PG_TEMP\"",
            "default",
        ] {
            for set in ["=", "to"] {
                assert!(found(&format!("set search_path {set} {path}")), "{path}");
            }
        }
        for path in [
            "pg_temp",
            "pg_catalog, pg_temp",
            "Public, PG_Temp",
            "'app', 'pg_temp'",
            "\"$user\", \"pg_temp\"",
        ] {
            for set in ["=", "to"] {
                assert!(!found(&format!("set search_path {set} {path}")), "{path}");
            }
        }
        for path in [
            "set search_path from current",
            "set \"search_path\" = public",
            "set \"Search_Path\" from current",
            "set search_path = pg_catalog, pg_temp set \"search_path\" = public",
            "set search_path = pg_catalog, pg_temp set schema 'public'",
            "set search_path = pg_catalog, pg_temp reset \"search_path\"",
            "set search_path = pg_catalog, pg_temp reset all",
        ] {
            assert!(found(path), "{path}");
        }
        for path in [
            "set \"search_path\" = pg_catalog, pg_temp",
            "reset all set search_path to pg_catalog, pg_temp",
            "set schema 'pg_temp'",
        ] {
            assert!(!found(path), "{path}");
        }
        // What is called so in the arguments or in the body says nothing of the function.
        for sql in [
            "create function f(security invoker) returns int language sql security definer as 'select 1';",
            "create function f() returns table (security invoker) language sql security definer as 'select 1';",
            "create function f() returns int language sql security definer begin atomic
               select security invoker from (select 1 as security) q; end;",
            "create function f() returns int language sql security definer return (select security invoker from q);",
            "create function f(a text default 'set search_path = pg_temp') returns int security definer
               begin atomic update q set search_path = pg_temp; end;",
        ] {
            assert_eq!(lines("definer-search-path", sql, &Schema::default()), [1], "{sql}");
        }
        // The last one is the one that holds.
        assert!(found("set search_path = pg_temp set search_path = ''"));
        assert!(!found("set search_path = '' set search_path = pg_temp"));
    }
}
