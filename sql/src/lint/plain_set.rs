//! A plain SET outlives its file: the Supabase CLI runs the next one in the same session.

use super::{File, holds};
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "plain-set",
    level: Level::Lint,
    summary: "a setting outlives the file that makes it",
    text: "\
Why:
  The Supabase CLI runs the next file in the same session, and a pooler hands the session to the next client: with
  another search path, another role, or another tenant.

To mend it:
  `set local`, or `select pg_catalog.set_config(NAME, VALUE, true)`: both end with the transaction.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| match words {
        ["set", "local" | "transaction" | "constraints", ..] => None,
        [first @ ("set" | "reset" | "discard"), ..] => Some(format!(
            "a plain `{first}` changes the session that other files run in; use `set local`, or \
             `select pg_catalog.set_config(NAME, VALUE, true)`"
        )),
        words if words.contains(&"set_config") && holds(words, &["false", ")"]) => Some(
            "`set_config(..., false)` changes the session that other files run in; write `true`"
                .into(),
        ),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn plain_set() {
        let sql = "set lock_timeout = '5s';\nset local lock_timeout = '5s';\nSET ROLE a;\nreset all;\n\
                   select pg_catalog.set_config('a.b', '', false);\n\
                   select pg_catalog.set_config('a.b', '', true);\nset constraints all deferred;\n\
                   update a.b set c = false;";
        assert_eq!(lines("plain-set", sql, &Schema::default()), [1, 3, 4, 5]);
    }
}
