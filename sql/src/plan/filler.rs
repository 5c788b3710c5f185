//! What the rows that exist get in a column that comes back. A draft never adds a column that needs
//! this, but a rollback brings back what was dropped.

use crate::schema::fitting::listed;
pub(super) use crate::schema::fitting::{Filler, filler};
use crate::schema::{Column, Index, IndexKey, QualifiedName, Schema, Table};

use super::change::Columns;

/// What the way back can do about a column that is dropped, as it stands behind its fate.
pub(super) fn way_back(from: &Schema, name: &QualifiedName, table: &Table, old: &Column) -> String {
    const EMPTY: &str = "; the rollback needs the table to be empty";
    match filler(old, table) {
        _ if may_clash(from, name, table, old) => EMPTY.into(),
        Filler::Not => String::new(),
        Filler::Value(value) => format!("; the rollback gives every row {value}"),
        Filler::Unknown => EMPTY.into(),
    }
}

/// Whether rows that all get the same in a column, or numbers of their own, may break a rule that comes
/// back with it.
pub(super) fn may_clash(
    from: &Schema,
    name: &QualifiedName,
    table: &Table,
    column: &Column,
) -> bool {
    let has = |columns: &[String]| columns.contains(&column.name);
    let is_referenced = from.tables.values().any(|other| {
        let mut keys = other.foreign_keys.values();
        keys.any(|key| key.table == *name && has(&key.references))
    });
    let is_null = is_null(column);
    let references = table.foreign_keys.values().any(|key| has(&key.columns));
    let made = column.default.is_some() || column.generated.is_some();
    let checked = table.checks.values().any(|check| {
        !made && check.expr.columns.contains(&column.name) && listed(column, table).is_none()
    });
    is_referenced || (!is_null && (references || checked)) || repeats(table, column, is_null)
}

/// Whether the index tells rows apart by a column that goes, and of which the way back may give two rows the
/// same. It goes along in one file, which says what the way back needs, and where that holds there is next to
/// nothing to build.
pub(super) fn goes_with_column(before: &Table, after: &Table, index: &Index) -> bool {
    let gone = Columns::of(before, after).gone;
    let stored = before.columns.iter().filter(|it| it.computed.is_none());
    let mut gone = stored.filter(|it| gone.contains(&it.name));
    gone.any(|it| !is_distinct(it) && repeats_in_index(index, &it.name, is_null(it)))
}

/// Whether a column that comes back holds NULL in all rows.
fn is_null(column: &Column) -> bool {
    column.nullable && column.default.is_none() && column.computed.is_none()
}

/// Whether a column that comes back has another value in each row.
fn is_distinct(column: &Column) -> bool {
    const DISTINCT: [&str; 2] = ["gen_random_uuid()", "uuid_generate_v4()"];
    let default = column.default.as_deref().unwrap_or_default();
    column.generated.is_some() || DISTINCT.contains(&default)
}

/// Whether equal values in the column may clash in a key.
fn repeats(table: &Table, column: &Column, is_null: bool) -> bool {
    !is_distinct(column) && repeats_in(table, &column.name, is_null)
}

/// Whether a key of the table, or an exclusion, reads the column.
pub(super) fn tells_rows_apart(table: &Table, column: &str) -> bool {
    repeats_in(table, column, false)
}

/// Whether rows that have all the same in the column, NULL or a value, may clash.
fn repeats_in(table: &Table, column: &str, is_null: bool) -> bool {
    let has = |columns: &[String]| columns.iter().any(|name| name == column);
    let in_primary = table.primary_key.iter().any(|key| has(&key.columns));
    let in_unique = table
        .uniques
        .values()
        .any(|unique| has(&unique.columns) && (!is_null || unique.nulls_not_distinct));
    let mut indexes = table.indexes.values();
    let in_index = indexes.any(|index| repeats_in_index(index, column, is_null));
    let in_exclusion = table.exclusions.values().any(|exclusion| {
        let mut elements = exclusion.elements.iter();
        !is_null && elements.any(|element| reads(&element.column.key, column))
    });
    in_primary || in_unique || in_index || in_exclusion
}

/// The same for one index.
fn repeats_in_index(index: &Index, column: &str, is_null: bool) -> bool {
    let mut predicates = index.predicate.iter();
    let in_key = index.columns.iter().any(|key| reads(&key.key, column));
    index.unique
        && ((in_key && (!is_null || index.nulls_not_distinct))
            || predicates.any(|expr| expr.columns.contains(column)))
}

fn reads(key: &IndexKey, column: &str) -> bool {
    match key {
        IndexKey::Name(name) => name == column,
        IndexKey::Expression(expr) => expr.columns.contains(column),
    }
}

/// Whether a default must be computed for each row, so that adding it writes every row. A function that
/// is not known to give all rows of a statement the same counts as volatile.
pub(super) fn is_volatile(default: &str) -> bool {
    const STEADY: [&str; 28] = [
        "abs",
        "array",
        "coalesce",
        "concat",
        "current_setting",
        "date",
        "date_trunc",
        "decode",
        "encode",
        "extract",
        "greatest",
        "inet_client_addr",
        "interval",
        "json_build_array",
        "json_build_object",
        "jsonb_build_array",
        "jsonb_build_object",
        "least",
        "length",
        "lower",
        "make_interval",
        "md5",
        "now",
        "nullif",
        "timezone",
        "to_char",
        "to_jsonb",
        "upper",
    ];
    let outside: String = default
        .split('\'')
        .step_by(2)
        .collect::<Vec<_>>()
        .join("''");
    let mut pieces = outside.split('(').collect::<Vec<_>>();
    pieces.pop();
    pieces.iter().any(|before| {
        let before = before.trim_end();
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '"'));
        let (rest, word) = before.split_at(start.map_or(0, |at| {
            at + before[at..].chars().next().map_or(1, char::len_utf8)
        }));
        // A type's size is no call.
        !word.is_empty() && !rest.ends_with("::") && !STEADY.contains(&word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_row_to_row_is_volatile() {
        for (default, volatile) in [
            ("now()", false),
            ("now() + interval '1 day'", false),
            ("timezone('utc'::text, now())", false),
            ("'('", false),
            ("(1 + 1)", false),
            ("'1'::numeric(5, 2)", false),
            ("array[]::varchar(20)[]", false),
            ("gen_random_uuid()", true),
            ("extensions.uuid_generate_v4()", true),
            ("(random() * 100)::int", true),
            ("lower(clock_timestamp()::text)", true),
            ("mine()", true),
        ] {
            assert_eq!(is_volatile(default), volatile, "{default}");
        }
    }
}
