//! A view runs as its owner, who may see every row, unless it says otherwise.

use super::{File, holds};
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
        let on = ["true", "on", "'true'", "'on'", "1"];
        let is_invoker = holds(head, &["security_invoker", ")"])
            || holds(head, &["security_invoker", ","])
            || on
                .iter()
                .any(|value| holds(head, &["security_invoker", "=", value]));
        (!is_invoker).then(|| {
            "a view without `security_invoker` runs as its owner and passes by row-level security; write \
             `create view NAME with (security_invoker = true) as ...`"
                .into()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use crate::schema::Schema;

    #[test]
    fn view_invoker() {
        let sql = "create view a.b as select 1 as security_invoker;\n\
                   create or replace view a.b with (security_invoker = true) as select 1;\n\
                   create view a.c (d) with (security_barrier, security_invoker) as select 1;\n\
                   create view a.c with (security_invoker = false) as select 1;\n\
                   create materialized view a.d as select 1;";
        assert_eq!(lines("view-invoker", sql, &Schema::default()), [1, 4]);
    }
}
