//! PostgreSQL's own operator classes over columns that they are not for.

use super::classes::bare;
use super::{Finding, parts};
use crate::schema::{IndexColumn, QualifiedName, Schema, Table, Type};

/// Types that are sorted and hashed, by their internal names.
const SORTED: &[&str] = &[
    "array",
    "bool",
    "bpchar",
    "bytea",
    "date",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "interval",
    "jsonb",
    "numeric",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
    "varchar",
];

const TEXTS: &[&str] = &["bpchar", "text", "varchar"];

/// Types of whose blocks BRIN keeps several ranges.
const MEASURED: &[&str] = &[
    "date",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "interval",
    "numeric",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
];

/// Types of whose blocks it keeps one.
const RANGED: &[&str] = &[
    "bpchar",
    "bytea",
    "date",
    "float4",
    "float8",
    "int2",
    "int4",
    "int8",
    "interval",
    "numeric",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "uuid",
];

/// Access method, the end of a class's name, and what stands before it: the types that it is for.
/// Source: `pg_opclass` of PostgreSQL 15 and 18, as far as types that need no name are concerned.
const CLASSES: [(&str, &str, &[&str]); 10] = [
    ("btree", "ops", SORTED),
    ("btree", "pattern_ops", TEXTS),
    ("hash", "ops", SORTED),
    ("hash", "pattern_ops", TEXTS),
    ("gin", "ops", &["array", "jsonb"]),
    ("gin", "path_ops", &["jsonb"]),
    ("spgist", "ops", &["text"]),
    ("brin", "minmax_ops", RANGED),
    ("brin", "bloom_ops", RANGED),
    ("brin", "minmax_multi_ops", MEASURED),
];

/// Indexes that PostgreSQL refuses since a class of its own does not fit the column, or the access method.
pub(super) fn own_classes(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for (kind, object, method, part) in parts(table) {
        // `btree_gin` has classes by the same names.
        if method == "gin" && schema.extensions.contains_key("btree_gin") {
            continue;
        }
        let Some((class, column, ty)) = stated(table, part) else {
            continue;
        };
        let Some(fitting) =
            fitting(method, ty).filter(|fitting| !fitting.contains(&class.to_owned()))
        else {
            continue;
        };
        let remedy = match fitting.first() {
            Some(first) => format!("name one that it has, such as `{first}`, or leave it out"),
            None => "take another access method".to_owned(),
        };
        let message = format!(
            "{kind} `{object}` on table `{}` has the operator class `{class}`, which `{method}` does not have for \
             column `{column}`, a `{ty}`; {remedy}",
            name.name
        );
        findings.push(Finding::new(name, Some(column), message));
    }
}

/// A class of PostgreSQL's own, with the column that it is stated for and its type.
fn stated<'a>(table: &'a Table, part: &'a IndexColumn) -> Option<(&'a str, &'a str, &'a Type)> {
    let (written, column) = (part.opclass.as_deref()?, part.name()?);
    let class = bare(written);
    let is_own = CLASSES.iter().any(|(_, end, types)| {
        let start = class
            .strip_suffix(end)
            .and_then(|start| start.strip_suffix('_'));
        start.is_some_and(|start| types.contains(&start))
    });
    let is_elsewhere = written.contains('.') && !written.starts_with("pg_catalog.");
    let ty = &table.column(column)?.ty;
    (is_own && !is_elsewhere).then_some((class, column, ty))
}

/// The classes of PostgreSQL's own for a type; nothing of an access method or a type that is not known here.
fn fitting(method: &str, ty: &Type) -> Option<Vec<String>> {
    if method != "gist" && !CLASSES.iter().any(|(of, ..)| *of == method) {
        return None;
    }
    let name = ty.internal_name();
    // Those whose bytes are the same may take one another's.
    let alike: &[&str] = match ty {
        Type::Named(_) => return None,
        Type::Array(_) => &["array"],
        Type::Text | Type::Varchar(_) => &["text", "varchar", "bpchar"],
        _ => &[name.as_str()],
    };
    let own = CLASSES.iter().filter(|(of, ..)| *of == method);
    let named = own.flat_map(|(_, end, types)| {
        let alike = alike.iter().filter(|start| types.contains(start));
        alike.map(move |start| format!("{start}_{end}"))
    });
    Some(named.collect())
}
