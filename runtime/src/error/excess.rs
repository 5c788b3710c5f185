//! A value that a column or an index has no room for.
//!
//! The server says the limit and not the column: which columns have that limit, the struct knows.

use super::Error;
use crate::query::TableInfo;

/// What the server says of a value that it has no room for. Holds numbers of its limits, never of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Excess {
    /// A type with so many characters, or digits and digits behind the point.
    Type(&'static str, Vec<u64>),
    /// An index, which may be named.
    Index,
}

impl Excess {
    /// What an error is about, by the server's function that raised it. The texts may be in any language.
    pub(super) fn read(code: &str, routine: &str, message: &str, detail: &str) -> Option<Self> {
        match (code, routine) {
            ("22001", "varchar") => Some(Excess::Type("varchar", numbers(message))),
            ("22001", "bpchar") => Some(Excess::Type("char", numbers(message))),
            ("22003", routine) if routine.starts_with("apply_typmod") => {
                let digits = numbers(detail).into_iter().take(2);
                Some(Excess::Type("numeric", digits.collect()))
            }
            ("54000", "_bt_check_third_page") => Some(Excess::Index),
            ("54000", routine) if routine.starts_with("index_form_tuple") => Some(Excess::Index),
            _ => None,
        }
    }

    /// The error of a statement on a table.
    pub(super) fn of(&self, table: String, index: Option<&str>, info: Option<&TableInfo>) -> Error {
        match self {
            Excess::Type(name, limit) => {
                let limits = info.map_or(&[][..], |info| info.limits);
                let is_of = |ty: &str| {
                    let ty = ty.trim_end_matches("[]");
                    ty.split('(').next() == Some(name) && numbers(ty) == *limit
                };
                let found = limits.iter().filter(|(_, ty)| is_of(ty));
                Error::TooLarge {
                    table,
                    columns: found.copied().collect(),
                }
            }
            Excess::Index => Error::TooLargeForIndex {
                table,
                columns: info.map_or_else(Vec::new, |info| info.indexed(index)),
            },
        }
    }
}

/// The numbers in a text, in their order.
fn numbers(text: &str) -> Vec<u64> {
    let groups = text.split(|c: char| !c.is_ascii_digit());
    groups.filter_map(|group| group.parse().ok()).collect()
}

/// Which column, or which ones it may be, as a part of a message.
pub(super) fn column(columns: &[(&str, &str)], table: &str) -> String {
    match columns {
        [(column, ty)] => format!("column `{column}` of `{table}`, a `{ty}`"),
        columns => {
            let names: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
            format!("its column of `{table}`{}", one_of(", one of", &names))
        }
    }
}

/// `in one of its columns …`, or nothing.
pub(super) fn one_of(words: &str, columns: &[impl AsRef<str>]) -> String {
    match columns {
        [] => String::new(),
        columns => {
            let names: Vec<&str> = columns.iter().map(AsRef::as_ref).collect();
            format!("{words} `{}`", names.join("`, `"))
        }
    }
}
