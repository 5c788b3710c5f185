//! Access methods and operator classes that only an extension has.

use std::collections::BTreeSet;

use super::{Finding, parts};
use crate::schema::{IndexColumn, QualifiedName, Schema, Table, Type, extension};

/// Access methods of extensions in wide use, by the extension that brings them.
const METHODS: [(&str, &str); 4] = [
    ("bloom", "bloom"),
    ("hnsw", "vector"),
    ("ivfflat", "vector"),
    ("rum", "rum"),
];

pub(super) fn classes(
    schema: &Schema,
    name: &QualifiedName,
    table: &Table,
    findings: &mut Vec<Finding>,
) {
    // Of a type that lacks its extension that is said already.
    let types = table.columns.iter().map(|column| element(&column.ty));
    let mut said: BTreeSet<&str> = types
        .filter_map(|ty| extension::of_type(&ty.internal_name()))
        .collect();
    let mut lacks = |extension: &'static str| {
        !schema.extensions.contains_key(extension) && said.insert(extension)
    };
    for (index, definition) in &table.indexes {
        let first = definition.columns.first().and_then(IndexColumn::name);
        let method = METHODS.iter().find(|(of, _)| *of == definition.method);
        if let Some((method, extension)) = method
            && lacks(extension)
        {
            let message = format!(
                "index `{index}` on table `{}` is `{method}`, which only an extension has; {}",
                name.name,
                remedy(extension)
            );
            findings.push(Finding::new(name, first, message));
        }
    }
    for (kind, object, _, column) in parts(table) {
        let class = column.opclass.as_deref().map(bare);
        if let Some(class) = class
            && let Some(extension) = extension::of_class(class)
            && lacks(extension)
        {
            let message = format!(
                "{kind} `{object}` on table `{}` has the operator class `{class}`, which only an extension \
                 has; {}",
                name.name,
                remedy(extension)
            );
            findings.push(Finding::new(name, column.name(), message));
        }
    }
}

fn remedy(extension: &str) -> String {
    format!("add `.extension(\"{extension}\")` to the emitter in `build.rs`")
}

fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => self::element(element),
        ty => ty,
    }
}

/// An operator class without its schema, its parameters and the quotes of its name.
pub(super) fn bare(class: &str) -> &str {
    let name = class.split('(').next().unwrap_or(class).trim_end();
    let start = name.rfind('.').map_or(0, |dot| dot + 1);
    name[start..].trim_matches('"')
}
