//! What destroys data says so in the header, so that `seal` asks for the reason.

use super::File;
use crate::plan::Hazard;
use crate::schema::Schema;

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file.header.hazards.iter().any(Hazard::loses_data) {
        return Vec::new();
    }
    file.each(|words| {
        let what = match words {
            ["delete", "from", ..] => "delete",
            ["truncate", ..] => "truncate",
            ["drop", "table" | "schema" | "database", ..]
            | ["drop", "materialized", "view", ..] => "drop",
            _ => return None,
        };
        Some(format!(
            "`{what}` destroys data, and the header does not name it; add a line such as \
             `-- tabellion: loses-data: table public.note: emptied`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn unnamed_loss() {
        let sql = "\n\nselect 1;\ndelete from a.b;\ntruncate a.b;\ndrop view a.c;\ndrop table a.b;";
        let named = format!("-- tabellion: loses-data: table a.b: emptied{sql}");
        let lines = |sql: &str| lines("unnamed-loss", sql, &Schema::default());
        assert_eq!(lines(sql), [4, 5, 7]);
        assert!(lines(&named).is_empty());
    }
}
