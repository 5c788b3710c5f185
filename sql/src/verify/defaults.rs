//! Defaults that a table refuses in every row.

use super::Finding;
use crate::ident::unquote_literal;
use crate::schema::{QualifiedName, Table, Type, allowed};

/// The default of an enum is one of its values.
pub(super) fn defaults(name: &QualifiedName, table: &Table, findings: &mut Vec<Finding>) {
    for (check, definition) in &table.checks {
        let Some(values) = allowed(&definition.expr) else {
            continue;
        };
        let is_one = |default: &str| {
            let mut values = values.iter().map(|value| unquote_literal(value));
            let default = default.strip_suffix("::text").unwrap_or(default);
            // What is no text by itself the server has to work out.
            unquote_literal(default).is_none_or(|text| values.any(|it| it.as_ref() == Some(&text)))
        };
        for column in &table.columns {
            let is_read = definition.expr.columns.contains(&column.name);
            // Other texts may be equal however they are written.
            let is_plain = column.ty == Type::Text && column.collation.is_none();
            let Some(default) = column.default.as_deref().filter(|_| is_read && is_plain) else {
                continue;
            };
            if !is_one(default) {
                let message = format!(
                    "column `{}` on table `{}` has the default {default}, which check `{check}` refuses; allow it \
                     there, or change the default",
                    column.name, name.name
                );
                findings.push(Finding::new(name, Some(&column.name), message));
            }
        }
    }
}
