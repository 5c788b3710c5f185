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
  uses: one of the caller's own, run with the owner's rights, past every policy. Even a path that leaves out
  pg_temp has it, as the first place of all for tables and types: with an empty one, `x::uuid` may be a domain of the
  caller's, whose CHECK the owner then runs.

To mend it:
  Add `set search_path = pg_catalog, pg_temp` to the function, and write each other name with its schema. Revoke
  EXECUTE from PUBLIC.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let kind = match words {
            ["create", "or", "replace", kind, ..] | ["create", kind, ..] => *kind,
            ["alter", kind, ..] => *kind,
            _ => return None,
        };
        let is_routine = matches!(kind, "function" | "procedure" | "routine");
        let is_definer = holds(words, &["security", "definer"]);
        let has_own = holds(words, &["set", "search_path"])
            && !holds(words, &["search_path", "from", "current"]);
        if words[0] == "alter" && is_routine {
            let resets = holds(words, &["reset", "search_path"]) || holds(words, &["reset", "all"]);
            if resets {
                return Some(format!(
                    "the {kind} loses the `search_path` of its own, which one that runs as its owner must not; leave it"
                ));
            }
        }
        (is_routine && is_definer && !has_own).then(|| {
            format!(
                "a {kind} with `security definer` and no `search_path` of its own can be led to a stranger's \
                 objects; add `set search_path = pg_catalog, pg_temp` and qualify its other names"
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn definer_search_path() {
        let sql = "create function a.b() returns int language sql security definer as 'select 1';\n\
                   create function a.b() returns int language sql security definer set search_path = ''\n\
                     as 'select 1';\n\
                   create function a.b() returns int language sql as $$ select 1 -- security definer\n$$;\n\
                   alter function a.b() security definer;\n\
                   create function a.b() returns int language sql security definer\n\
                     set search_path from current as 'select 1';\n\
                   alter function a.b() reset search_path;\nalter function a.b() reset all;\n\
                   alter function a.b() reset work_mem;";
        let found = lines("definer-search-path", sql, &Schema::default());
        assert_eq!(found, [1, 6, 7, 9, 10]);
    }
}
