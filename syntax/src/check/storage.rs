//! Storage parameters of indexes.

use crate::Report;
use crate::ast::At;

/// What a parameter takes.
enum Takes {
    Number(u32, u32),
    Flag,
    Word(&'static str),
}

/// Sources: https://www.postgresql.org/docs/15/sql-createindex.html#SQL-CREATEINDEX-STORAGE-PARAMETERS and
/// the README of pgvector.
const PARAMETERS: [(&str, &str, Takes); 14] = [
    ("btree", "fillfactor", Takes::Number(10, 100)),
    ("btree", "deduplicate_items", Takes::Flag),
    ("hash", "fillfactor", Takes::Number(10, 100)),
    ("gist", "fillfactor", Takes::Number(10, 100)),
    ("gist", "buffering", Takes::Word("auto")),
    ("spgist", "fillfactor", Takes::Number(10, 100)),
    ("gin", "fastupdate", Takes::Flag),
    (
        "gin",
        "gin_pending_list_limit",
        Takes::Number(64, i32::MAX as u32),
    ),
    ("brin", "pages_per_range", Takes::Number(1, 131_072)),
    ("brin", "autosummarize", Takes::Flag),
    ("ivfflat", "lists", Takes::Number(1, 32_768)),
    ("hnsw", "m", Takes::Number(2, 100)),
    ("hnsw", "ef_construction", Takes::Number(4, 1_000)),
    ("bloom", "length", Takes::Number(1, 4_096)),
];

pub(super) fn parameters(method: &str, with: &[(At<String>, At<String>)], report: &mut Report) {
    for (name, value) in with {
        // Of bloom there is one more for each column: `col1`, `col2`.
        if method == "bloom" && name.value.starts_with("col") {
            continue;
        }
        let known = PARAMETERS
            .iter()
            .find(|(of, parameter, _)| *of == method && *parameter == name.value);
        match known {
            None => report.at(
                name.span,
                format!(
                    "no parameter `{}` of a `{method}` index; {}",
                    name.value,
                    remedy(method)
                ),
            ),
            Some((.., takes)) => {
                if let Some(wanted) = misfit(takes, &value.value) {
                    report.at(
                        value.span,
                        format!("`{}` does not fit; use {wanted}", name.value),
                    );
                }
            }
        }
    }
}

fn remedy(method: &str) -> String {
    let names = PARAMETERS.iter().filter(|(of, ..)| *of == method);
    let names: Vec<String> = names.map(|(_, name, _)| format!("`{name}`")).collect();
    format!("use {}", names.join(" or "))
}

/// What the parameter takes, where the value is none of it.
fn misfit(takes: &Takes, value: &str) -> Option<String> {
    let is_flag = matches!(value, "true" | "false");
    match takes {
        Takes::Number(least, most) => {
            let fits = value
                .parse::<u32>()
                .is_ok_and(|number| (*least..=*most).contains(&number));
            (!fits).then(|| format!("a number from {least} to {most}"))
        }
        Takes::Flag => (!is_flag).then(|| "`true` or `false`".to_owned()),
        Takes::Word(word) => {
            (!is_flag && value != *word).then(|| format!("`true`, `false` or `\"{word}\"`"))
        }
    }
}
