//! Columns of a type for which an access method has no operator class by default.

use super::{Finding, parts};
use crate::schema::built_in::own_name;
use crate::schema::{PartitionStrategy, QualifiedName, Schema, Table, Type};

/// Access method: the types of PostgreSQL's own that it has a default class for, by their internal names.
/// Of `btree` each struct tells. Source: `pg_opclass` of PostgreSQL 15, `opcdefault`.
const CLASSES: [(&str, &[&str]); 8] = [
    ("bloom", &["int4", "text"]),
    (
        "brin",
        &[
            "anyrange",
            "bit",
            "box",
            "bpchar",
            "bytea",
            "\"char\"",
            "date",
            "float4",
            "float8",
            "inet",
            "int2",
            "int4",
            "int8",
            "interval",
            "macaddr",
            "macaddr8",
            "name",
            "numeric",
            "oid",
            "pg_lsn",
            "text",
            "tid",
            "time",
            "timestamp",
            "timestamptz",
            "timetz",
            "uuid",
            "varbit",
        ],
    ),
    ("gin", &["anyarray", "jsonb", "oidvector", "tsvector"]),
    (
        "gist",
        &[
            "anymultirange",
            "anyrange",
            "box",
            "circle",
            "point",
            "polygon",
            "tsquery",
            "tsvector",
        ],
    ),
    (
        "hash",
        &[
            "aclitem",
            "anyarray",
            "anymultirange",
            "anyrange",
            "bool",
            "bpchar",
            "bytea",
            "\"char\"",
            "cid",
            "date",
            "float4",
            "float8",
            "inet",
            "int2",
            "int4",
            "int8",
            "interval",
            "jsonb",
            "macaddr",
            "macaddr8",
            "name",
            "numeric",
            "oid",
            "oidvector",
            "pg_lsn",
            "text",
            "tid",
            "time",
            "timestamp",
            "timestamptz",
            "timetz",
            "uuid",
            "xid",
            "xid8",
        ],
    ),
    ("hnsw", &[]),
    ("ivfflat", &[]),
    (
        "spgist",
        &["anyrange", "box", "inet", "point", "polygon", "text"],
    ),
];

/// Scalars that have only their name, or have it with such a modifier, and for which `btree_gin` and `btree_gist` bring a class, as they do for every
/// other.
const SCALARS: [&str; 11] = [
    "bit", "bpchar", "inet", "interval", "macaddr", "macaddr8", "money", "numeric", "oid",
    "timetz", "varbit",
];

/// Each column has a class by default where none is named.
pub(super) fn default_classes(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for (kind, object, method, part) in parts(table) {
        let column = part.name().and_then(|column| table.column(column));
        let Some(column) = column.filter(|_| part.opclass.is_none()) else {
            continue;
        };
        // It has one for this type only.
        let is_int4s = column.ty == Type::Array(Box::new(Type::Int4));
        if method == "gist" && is_int4s && schema.extensions.contains_key("intarray") {
            continue;
        }
        let Some(extension) = missing(method, &column.ty) else {
            continue;
        };
        let remedy = match extension {
            Some(extension) if schema.extensions.contains_key(extension) => continue,
            Some(extension) => format!(
                "add `.extension(\"{extension}\")` to the emitter in `build.rs`, or name a class with \
                 `opclass(\"...\")`"
            ),
            None => {
                "take another access method, or name a class with `opclass(\"...\")`".to_owned()
            }
        };
        let message = format!(
            "{kind} `{object}` on table `{}` is `{method}`, which has no operator class for column \
             `{}`, a `{}`; {remedy}",
            name.name, column.name, column.ty
        );
        findings.push(Finding::new(name, Some(&column.name), message));
    }
    let by = table.partition_by.iter();
    let hashed = by.filter(|by| by.strategy == PartitionStrategy::Hash);
    for column in hashed.flat_map(|by| &by.columns) {
        if let Some(column) = table.column(column)
            && missing("hash", &column.ty).is_some()
        {
            let message = format!(
                "table `{}` is partitioned by hash, and PostgreSQL has no hash of column `{}`, a `{}`; partition it \
                 by another column, or by range or list",
                name.name, column.name, column.ty
            );
            findings.push(Finding::new(name, Some(&column.name), message));
        }
    }
}

/// Whether the method lacks a class by default for a type, and which extension brings one. Of methods and types
/// that PostgreSQL does not have itself nothing is known.
fn missing(method: &str, ty: &Type) -> Option<Option<&'static str>> {
    if method == "hnsw" && ty.internal_name() == "vector" {
        return Some(None);
    }
    let (_, types) = CLASSES.iter().find(|(of, _)| *of == method)?;
    let name = served_as(ty)?;
    if types.contains(&name.as_str()) {
        return None;
    }
    Some(match method {
        "gin" if is_scalar(ty) || matches!(name.as_str(), "name" | "\"char\"") => Some("btree_gin"),
        "gist" if is_scalar(ty) => Some("btree_gist"),
        _ => None,
    })
}

/// Whether `btree_gin` and `btree_gist` bring a class by default for a type, which is PostgreSQL's own.
pub(super) fn is_scalar(ty: &Type) -> bool {
    match ty {
        Type::Array(_) | Type::Jsonb => false,
        Type::Named(_) => served_as(ty).is_some_and(|name| SCALARS.contains(&name.as_str())),
        _ => true,
    }
}

/// The type whose class serves a type of PostgreSQL's own.
fn served_as(ty: &Type) -> Option<String> {
    let name = own_name(ty)?;
    let served = match name.as_str() {
        _ if matches!(ty, Type::Array(_)) => "anyarray",
        "varchar" => "text",
        "cidr" => "inet",
        name if name.starts_with("reg") => "oid",
        name if name.ends_with("multirange") => "anymultirange",
        name if name.ends_with("range") => "anyrange",
        name => name,
    };
    Some(served.to_owned())
}
