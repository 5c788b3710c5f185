//! What sqlparser cannot read, nobody has looked at before the server does; the header says why.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::File;
use crate::schema::Schema;

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.not_parsed.is_some() {
        return Vec::new();
    }
    let unread = file.statements.iter().filter_map(|statement| {
        let error = Parser::parse_sql(&PostgreSqlDialect {}, statement.text).err()?;
        let said = error.to_string();
        let said = said.split_once(": ").map_or(said.as_str(), |(_, said)| said);
        Some((
            statement.line,
            format!(
                "sqlparser cannot read the statement ({said}); correct it, or, where PostgreSQL takes it, say \
                 `-- tabellion: not-parsed: REASON` in the header"
            ),
        ))
    });
    unread.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn not_parsed() {
        let sql = "select 1;\nselekt 2;\nupdate a.b set c = 1 where d;\ncreate table (;";
        let lines = |sql: &str| lines("not-parsed", sql, &Schema::default());
        // The last one is not a statement at all.
        assert_eq!(
            lines("select 1;\nselekt 2;\nupdate a.b set c = 1 where d;"),
            [2]
        );
        assert!(lines(sql).is_empty());
        assert!(lines("-- tabellion: not-parsed: a new clause\n\nselekt 2;").is_empty());
    }
}
