//! What lets someone see or change more says so in the header, so that `seal` asks for the reason.

use super::{File, holds};
use crate::plan::Hazard;
use crate::schema::Schema;

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    if file
        .header
        .hazards
        .iter()
        .any(|hazard| matches!(hazard, Hazard::WidensAccess(_)))
    {
        return Vec::new();
    }
    file.each(|words| {
        let what = match words {
            ["grant", ..] => "`grant` gives a privilege",
            ["alter", "default", "privileges", rest @ ..] if rest.contains(&"grant") => {
                "`alter default privileges` gives a privilege on whatever is made later"
            }
            ["reassign", "owned", ..] => "`reassign owned` gives every right of an owner",
            ["alter", "role" | "user", rest @ ..] if rest.contains(&"set") => {
                "`alter role … set` changes what policies see of each later session"
            }
            ["alter", "database" | "system", rest @ ..] if rest.contains(&"set") => {
                "a setting of the database or the server changes what policies see of each later session"
            }
            ["alter", ..] if holds(words, &["owner", "to"]) => {
                "`owner to` gives every right of an owner"
            }
            ["alter", "table", ..]
                if holds(words, &["disable", "row", "level"])
                    || holds(words, &["no", "force", "row"]) =>
            {
                "the table's policies no longer hold for all"
            }
            ["create" | "alter", ..] if holds(words, &["security", "definer"]) => {
                "`security definer` lends its owner's rights to whoever may call it"
            }
            _ => return None,
        };
        Some(format!(
            "{what}, and the header does not name it; add a line such as \
             `-- tabellion: widens-access: function public.total: its callers see every shop's sum`"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn unnamed_access() {
        let found = |sql: &str| lines("unnamed-access", sql, &Schema::default());
        for sql in [
            "grant usage on schema a to b;",
            "grant a to b;",
            "alter default privileges in schema a grant select on tables to b;",
            "reassign owned by a to b;",
            "alter table a.b owner to c;",
            "alter role a set app.current_shop = 'x';",
            "alter role a in database b set row_security = off;",
            "alter database a set app.current_shop = 'x';",
            "alter table a.b disable row level security;",
            "alter table a.b no force row level security;",
            "create function a.f() returns int language sql security definer set search_path = '' as 'select 1';",
        ] {
            assert_eq!(found(sql), [1], "{sql}");
            let named = format!("-- tabellion: widens-access: role b: sees a\n{sql}");
            assert!(found(&named).is_empty(), "{sql}");
        }
        for sql in [
            "revoke all on schema a from public;",
            "alter default privileges in schema a revoke all on tables from b;",
            "alter role a nologin;",
            "alter table a.b enable row level security;",
            "select 'grant';",
        ] {
            assert!(found(sql).is_empty(), "{sql}");
        }
    }
}
