//! Exclusion constraints.

use tabellion_sql::schema::BTREE;

use super::index::{known_method, no_order, part};
use super::keys::{MAX_KEYS, known, ordered};
use crate::Report;
use crate::ast::{At, Exclusion, Table};

pub(super) fn exclusions(table: &Table, report: &mut Report) {
    for exclusion in &table.exclusions {
        let what = format!("exclusion constraint `{}`", exclusion.name.value);
        method(&what, exclusion, report);
        for (column, operator) in &exclusion.elements {
            if let Some(field) = column.field() {
                known(table, field, report);
            }
            part(table, &what, column, report);
            no_order(&format!("{what} only compares"), column, report);
            self::operator(&what, &exclusion.method, operator, report);
        }
        if exclusion.method.value == BTREE {
            let fields = exclusion.elements.iter();
            let fields = fields.filter_map(|(column, _)| column.field());
            ordered(table, &what, fields, report);
        }
        if let Some((column, _)) = exclusion.elements.get(MAX_KEYS) {
            report.at(
                super::index::span(column),
                format!("{what} has more than {MAX_KEYS} elements, PostgreSQL's limit; drop some"),
            );
        }
        if let Some(by) = &table.partition_by {
            report.at(
                exclusion.name.span,
                format!(
                    "table `{}` is partitioned by {}, and PostgreSQL before 17 has no exclusion constraint \
                     there; remove one of the two",
                    table.name.value,
                    by.strategy.value.as_sql()
                ),
            );
        }
    }
}

fn method(what: &str, exclusion: &Exclusion, report: &mut Report) {
    let method = &exclusion.method;
    let Some(known) = known_method(&method.value) else {
        return;
    };
    if !known.exclusion {
        report.at(
            method.span,
            format!(
                "{what} is `{}`, which finds no single rows to compare; use `gist`, `spgist`, `btree` or `hash`",
                known.name
            ),
        );
    } else if let (Some((second, _)), "hash" | "spgist") = (exclusion.elements.get(1), known.name) {
        report.at(
            super::index::span(second),
            format!(
                "{what} is `{}`, which holds one column; use `gist`",
                known.name
            ),
        );
    }
}

/// The characters of operators. Source: https://www.postgresql.org/docs/15/sql-createoperator.html
const CHARACTERS: &str = "+-*/<>=~!@#%^&|`?";

/// Operators whose sides cannot change places: `oprcom <> oid` in `pg_operator`.
const ONE_WAY: [&str; 15] = [
    "<", ">", "<=", ">=", "@>", "<@", "<<", ">>", "&<", "&>", "<<|", "|>>", "&<|", "|&>", "@@",
];

fn operator(what: &str, method: &At<String>, operator: &At<String>, report: &mut Report) {
    let text = operator.value.as_str();
    let is_operator = !text.is_empty()
        && text.chars().all(|c| CHARACTERS.contains(c))
        && !text.contains("--")
        && !text.contains("/*");
    let message = if !is_operator {
        format!("`{text}` is no operator; write one such as `=` or `&&`")
    } else if ONE_WAY.contains(&text) {
        format!(
            "{what} compares with `{text}`, whose sides cannot change places; use one such as `=` or `&&`"
        )
    } else if matches!(method.value.as_str(), "btree" | "hash") && text != "=" {
        format!(
            "{what} is `{}`, which knows no operator `{text}`; use `=`, or `method = gist`",
            method.value
        )
    } else {
        return;
    };
    report.at(operator.span, message);
}
