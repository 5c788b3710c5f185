//! COPY with a program runs a shell command on the database's server.

use super::{File, holds};
use crate::rule::{Level, Page};
use crate::schema::Schema;

pub(super) const PAGE: Page = Page {
    code: "copy-program",
    level: Level::Lint,
    summary: "`copy` runs a command on the database's server, or writes a file there",
    text: "\
Why:
  The command runs as the user that runs the server, outside of everything that PostgreSQL guards. A file of rows lies
  there for whoever can read it.

To mend it:
  Write the rows as `insert`, or load them beside the migrations.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let is_copy = words.first() == Some(&"copy");
        let runs = holds(words, &["from", "program"]) || holds(words, &["to", "program"]);
        let writes = words
            .windows(2)
            .any(|pair| matches!(pair, ["to", file] if file.starts_with(['\'', '$']) || file.starts_with("e'")));
        if is_copy && writes {
            return Some("`copy … to` a file leaves rows on the server's disk, outside of every policy; take it out".into());
        }
        (is_copy && runs).then(|| {
            "`copy` with a program runs a command on the server, as its own user; write the rows as `insert`, \
             or load them beside the migration"
                .into()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn copy_program() {
        let sql = "copy a.b from program 'curl x';\nCOPY (select 1) TO PROGRAM 'sh';\n\
                   copy a.b from '/srv/rows.csv';\nselect 'copy a.b from program';\n\
                   copy program (id) from '/srv/rows.csv';\ncopy a.b to '/srv/rows.csv' csv;\n\
                   copy (select 1) to stdout;";
        assert_eq!(lines("copy-program", sql, &Schema::default()), [1, 2, 6]);
    }
}
