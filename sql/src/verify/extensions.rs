//! What exists only where an extension is installed.

use super::Finding;
use crate::schema::{IndexColumn, QualifiedName, Schema, Table, Type, extension};

/// Types and operator classes that no declared extension brings.
pub(super) fn extensions(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    for column in &table.columns {
        let wanted = element(&column.ty).internal_name();
        if let Some(extension) = extension::of_type(&wanted)
            && !schema.extensions.contains_key(extension)
        {
            let message = format!(
                "column `{}.{}` is `{wanted}`, which only an extension has; add \
                 `.extension(\"{extension}\")` to the emitter in `build.rs`",
                name.name, column.name
            );
            findings.push(Finding::new(name, Some(&column.name), message));
        }
    }
    let indexes = table.indexes.iter().flat_map(|(index, definition)| {
        let columns = definition.columns.iter();
        columns.map(move |column| ("index", index, &definition.method, column))
    });
    let exclusions = table.exclusions.iter().flat_map(|(exclusion, definition)| {
        let elements = definition.elements.iter();
        elements.map(move |element| {
            let kind = "exclusion constraint";
            (kind, exclusion, &definition.method, &element.column)
        })
    });
    for (kind, object, method, column) in indexes.chain(exclusions) {
        let Some((column, ty)) = default_class(table, column) else {
            continue;
        };
        let Some(extension) = missing(method, ty) else {
            continue;
        };
        let remedy = match extension {
            Some(extension) if schema.extensions.contains_key(extension) => continue,
            Some(extension) => format!(
                "add `.extension(\"{extension}\")` to the emitter in `build.rs`, or name a class with \
                 `opclass(\"...\")`"
            ),
            None => "name one with `opclass(\"...\")`".to_owned(),
        };
        let message = format!(
            "{kind} `{object}` on table `{}` is `{method}`, which has no operator class for column \
             `{column}`, a `{ty}`; {remedy}",
            name.name
        );
        findings.push(Finding::new(name, Some(column), message));
    }
}

fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => self::element(element),
        ty => ty,
    }
}

/// The column and its type, where the type's default operator class is wanted.
fn default_class<'a>(table: &'a Table, column: &'a IndexColumn) -> Option<(&'a str, &'a Type)> {
    if column.opclass.is_some() {
        return None;
    }
    let name = column.name()?;
    Some((name, &table.column(name)?.ty))
}

/// Whether the method lacks a default operator class for a type, and which extension brings one.
/// Of named types nothing is known. Source: `pg_opclass` of PostgreSQL 15, `opcdefault`.
fn missing(method: &str, ty: &Type) -> Option<Option<&'static str>> {
    let is_scalar = !matches!(ty, Type::Named(_) | Type::Array(_) | Type::Jsonb);
    match (method, ty) {
        ("gin", _) if is_scalar => Some(Some("btree_gin")),
        ("gist", Type::Array(_) | Type::Jsonb) => Some(None),
        ("gist", _) if is_scalar => Some(Some("btree_gist")),
        ("hnsw", Type::Named(name)) if name.starts_with("vector") => Some(None),
        _ => None,
    }
}
