//! A rollback that says nothing is one that somebody forgot.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

/// What a template begins with does not count: it sets limits and undoes nothing.
fn is_limit(words: &[String]) -> bool {
    let word = |index: usize| words.get(index).map(String::as_str);
    word(0) == Some("select") && words.iter().any(|word| word == "set_config")
}

pub(super) const PAGE: Page = Page {
    code: "empty-rollback",
    level: Level::Lint,
    summary: "a migration or its rollback says nothing",
    text: "\
Why:
  A rollback that says nothing is one that somebody forgot: it would be entered as done, with everything still there.

To mend it:
  Write what undoes the migration, or `select 1;` where there is nothing to undo.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    let says = file
        .statements
        .iter()
        .any(|statement| !is_limit(&statement.words));
    if says || file.broken.is_some() {
        return Vec::new();
    }
    let message = if file.is_rollback {
        "the rollback is empty; write what undoes the migration, or `select 1;` where there is nothing to undo"
    } else {
        "the migration is empty; write its SQL"
    };
    vec![(1, message.into())]
}

#[cfg(test)]
mod tests {
    use super::super::pair;
    use crate::schema::Schema;

    #[test]
    fn empty_rollback() {
        let limits = "select pg_catalog.set_config('lock_timeout', '5s', true);\n";
        let found = |up: &str, down: &str| {
            let found = pair(("up", up), ("down", down), &Schema::default());
            let files = found.iter().filter(|one| one.rule == "empty-rollback");
            files.map(|one| one.file.clone()).collect::<Vec<_>>()
        };
        assert_eq!(found("select 1;", ""), ["down"]);
        assert_eq!(found(limits, limits), ["up", "down"]);
        assert_eq!(found("select 1;", "-- nothing to undo\nselect 1;"), [""; 0]);
    }
}
