//! A role that gets past row-level security, or can make itself one that does, makes every policy void.

use super::File;
use crate::rule::{Level, Page};
use crate::schema::Schema;

/// What a migration gives to no role.
const POWERS: [&str; 4] = ["bypassrls", "createrole", "replication", "superuser"];

pub(super) const PAGE: Page = Page {
    code: "role-power",
    level: Level::Lint,
    summary: "a role is given a power that makes every policy void",
    text: "\
Why:
  BYPASSRLS and SUPERUSER get past row-level security, CREATEROLE and REPLICATION lead there, and a migration gives
  them on every server that it runs on.

To mend it:
  Take it out, and give it by hand on the server that needs it, to a login that nobody's requests run as.",
};

pub(super) fn check(file: &File<'_>, _: &Schema) -> Vec<(usize, String)> {
    file.each(|words| {
        let ["create" | "alter", "role" | "user" | "group", rest @ ..] = words else {
            return None;
        };
        // The first word behind is the role's name, whatever it says.
        let power = rest.iter().skip(1).find(|word| POWERS.contains(word))?;
        Some(format!(
            "`{power}` lets a role get past every policy, and a migration gives it wherever it runs; take it out, \
             and give it by hand on the server that needs it"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn role_power() {
        let sql = "create role a bypassrls;\nalter role a with SuperUser;\ncreate user a createrole login;\n\
                   alter user a replication;\n\
                   create role a nobypassrls nosuperuser nocreaterole noreplication login;\n\
                   alter role superuser login;\nalter role a rename to bypassrls_b;\n\
                   comment on role a is 'bypassrls';\ndo $$ begin execute 'x'; end $$;";
        assert_eq!(lines("role-power", sql, &Schema::default()), [1, 2, 3, 4]);
    }
}
