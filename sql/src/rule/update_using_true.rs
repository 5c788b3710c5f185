//! A policy that lets an UPDATE or a DELETE reach every row.
//!
//! An UPDATE or a DELETE without WHERE and RETURNING reads no column, and so needs no SELECT policy
//! (<https://www.postgresql.org/docs/15/sql-createpolicy.html>, "Policies Applied by Command Type").

use super::said::{Known, Said, permissive, without_parentheses};
use super::{Level, Page, Place, Rule};
use crate::schema::{Command, Expr, Policy, QualifiedName, Schema, Table};

pub(super) const RULE: Rule = Rule {
    page: Page {
        code: "update-using-true",
        level: Level::Error,
        summary: "a policy lets an update or a delete reach every row, whatever select allows",
        text: "\
What happens:
  `update note set body = 'x'` changes the rows of every tenant, also of those that the role cannot see, and
  `delete from note` removes them.

Why:
  An UPDATE or DELETE that names no column in WHERE or RETURNING reads nothing, so PostgreSQL does not apply the
  SELECT policy to it: what it reaches is what USING of its own policy says, and that says every row. WITH CHECK
  looks at the new row alone.

Which conditions:
  `true`, and much of what is true of every row without being written so: `1 = 1`, `id is not null` of a column that
  is never NULL, `a or true`, `a or not a`. No list of these is whole. A role whose SELECT policy says the same may
  have them, but for an UPDATE that is written `true`.

To mend it:
  Name in `using` the rows that may be changed or removed; where those are the visible ones, repeat what the SELECT
  policy says.

To allow it:
  It cannot be allowed. Whoever is to change everything takes a login that bypasses, and says why.",
    },
    check,
};

fn check(known: &Known, _: &Schema, name: &QualifiedName, table: &Table) -> Vec<(Place, String)> {
    let all_of = |policy: &Policy, command: Command| {
        let is_for = policy.commands().contains(&command);
        is_for
            && policy
                .using
                .as_ref()
                .is_some_and(|it| is_true(known, it, table))
    };
    let sees_less = |policy: &Policy| {
        policy.roles.iter().any(|role| {
            let reads = |select: &Policy| select.roles.contains(role);
            !permissive(table).any(|(_, it)| reads(it) && all_of(it, Command::Select))
        })
    };
    let found = permissive(table).filter_map(|(policy, definition)| {
        let commands = [
            (Command::Update, "an update"),
            (Command::Delete, "a delete"),
        ];
        let mut commands = commands.into_iter();
        let (_, what) = commands.find(|(command, _)| all_of(definition, *command))?;
        let place = Place::Policy(policy.clone());
        sees_less(definition).then(|| (place, of_every_row(what, policy, &name.name)))
    });
    found.collect()
}

/// What is said of such a policy, without the code; the derive says it of one that is written `true`.
pub(super) fn message(policy: &str, table: &str) -> String {
    of_every_row("an update", policy, table)
}

fn of_every_row(what: &str, policy: &str, table: &str) -> String {
    format!(
        "policy `{policy}` on `{table}` lets {what} reach every row, whatever SELECT allows; name the rows in \
         `using`"
    )
}

fn is_true(known: &Known, expr: &Expr, table: &Table) -> bool {
    decided(&known.read(expr).said, table) == Some(true)
}

/// What a condition is for every row, where that is always the same.
fn decided(said: &Said, table: &Table) -> Option<bool> {
    match said {
        Said::And(parts) => all(parts, table, true),
        Said::Or(parts) if excluded_middle(parts, table) => Some(true),
        Said::Or(parts) => all(parts, table, false),
        Said::Atom(words) => {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let never_null = |name: &str| {
                let column = table.column(name.trim_matches('"'));
                column.is_some_and(|column| !column.nullable)
            };
            let is_literal =
                |word: &str| word.starts_with(|c: char| c == '\'' || c.is_ascii_digit());
            match words.as_slice() {
                ["true"] => Some(true),
                ["false"] => Some(false),
                ["not", rest @ ..] => {
                    let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
                    decided(&Said::read(&rest), table).map(|is| !is)
                }
                [column, "is", "not", "null"] if never_null(column) => Some(true),
                [a, "=", b] if a == b && (is_literal(a) || never_null(a)) => Some(true),
                _ => None,
            }
        }
    }
}

/// Whether one side of an OR is what another one denies, of what is never NULL.
fn excluded_middle(parts: &[Said], table: &Table) -> bool {
    let atoms = parts.iter().filter_map(|part| match part {
        Said::Atom(words) => Some(operators(words)),
        Said::And(_) | Said::Or(_) => None,
    });
    let atoms: Vec<Vec<String>> = atoms.collect();
    let has = |atom: &[String]| atoms.iter().any(|it| it == atom);
    let is_never_null = |word: &String| {
        let column = table.column(word.trim_matches('"'));
        let is_literal = word.starts_with(|c: char| c == '\'' || c.is_ascii_digit());
        is_literal || column.is_some_and(|column| !column.nullable)
    };
    atoms.iter().any(|atom| match atom.as_slice() {
        [not, rest @ ..] if not == "not" => {
            // What is NULL makes both of them NULL.
            let rest = without_parentheses(rest);
            let mut terms = rest.iter().filter(|word| !is_operator(word));
            has(rest) && terms.all(is_never_null)
        }
        [column, is, null] if is == "is" && null == "null" => {
            has(&[column, is, "not", null].map(|word: &str| word.to_owned()))
        }
        [a, operator, b] => {
            let denied = match operator.as_str() {
                "=" => "<>",
                "<" => ">=",
                ">" => "<=",
                _ => return false,
            };
            let both = is_never_null(a) && is_never_null(b);
            both && has(&[a, denied, b].map(|word: &str| word.to_owned()))
        }
        _ => false,
    })
}

/// The words with `<`, `>` and `=` beside each other as one.
fn operators(words: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut() {
            Some(last) if is_operator(word) && is_operator(last) => last.push_str(word),
            _ => joined.push(word.clone()),
        }
    }
    joined
}

fn is_operator(word: &str) -> bool {
    ["=", "<>", "<", "<=", ">", ">="].contains(&word)
}

/// AND where `neutral` is true, OR where it is false.
fn all(parts: &[Said], table: &Table, neutral: bool) -> Option<bool> {
    let parts: Vec<Option<bool>> = parts.iter().map(|part| decided(part, table)).collect();
    if parts.contains(&Some(!neutral)) {
        return Some(!neutral);
    }
    let is_neutral = parts.iter().all(|part| *part == Some(neutral));
    is_neutral.then_some(neutral)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OWN, found, policy, tenant_table};
    use super::*;
    use crate::schema::{Column, Type};

    fn with(select: &str, update: &str) -> Vec<(Place, String)> {
        found("update-using-true", |schema| {
            let table = tenant_table(schema, "note");
            table.columns.push(Column::new("gone", Type::Bool));
            table.rls = Table::new("").rls;
            policy(table, "read", Some(Command::Select), select);
            policy(table, "any", Some(Command::Update), update);
        })
    }

    #[test]
    fn update_using_true() {
        for update in [
            "true",
            "(TRUE)",
            "1 = 1",
            "'a' = 'a' and true",
            "shop = '' or true",
            "not (false and shop = '')",
            "id is not null",
            "shop = shop",
            "not (gone) or gone",
            "not (shop = 'a') or shop = 'a'",
            "shop = 'a' or id = 1 or shop <> 'a'",
            "id < 3 or id >= 3",
            "body is null or body is not null",
        ] {
            let found = with(OWN, update);
            assert_eq!(found.len(), 1, "{update}");
            assert_eq!(found[0].0, Place::Policy("any".into()));
            assert!(found[0].1.ends_with(" [update-using-true]"));
        }
        for update in [
            OWN,
            "body is not null",
            "body = body",
            "true and shop = ''",
            "not true",
            "not (body = 'a') or body = 'a'",
            "body = 'a' or body <> 'a'",
            "id < 3 or id > 3",
            "not (gone) or id = 1",
        ] {
            assert_eq!(with(OWN, update), [], "{update}");
        }
        // Who sees every row may change every row.
        assert_eq!(with("true", "1 = 1"), []);

        let delete = |select: &str| {
            found("update-using-true", |schema| {
                let table = tenant_table(schema, "note");
                table.rls = Table::new("").rls;
                policy(table, "read", Some(Command::Select), select);
                policy(table, "purge", Some(Command::Delete), "true");
            })
        };
        assert!(delete(OWN)[0].1.contains("lets a delete reach every row"));
        assert_eq!(delete("true"), []);
    }
}
