//! Types that exist only where an extension is installed.

use super::Finding;
use crate::schema::{QualifiedName, Schema, Table, Type, extension};

/// Types that no declared extension brings.
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
}

fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(element) => self::element(element),
        ty => ty,
    }
}
