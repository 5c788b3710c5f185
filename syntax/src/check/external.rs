//! A table of someone else: only what foreign keys to it need can be said of it.

use proc_macro2::Span;
use tabellion_sql::schema::Generated;

use crate::Report;
use crate::ast::{At, Column, Table};
use crate::attr::ColumnAttr;

/// Attributes that would make something, each with its place. `given` is all that stand on the struct.
pub(crate) fn external(table: &Table, given: &[(&'static str, Span)], report: &mut Report) {
    let name = &table.name.value;
    let foreign = given
        .iter()
        .filter(|(given, _)| !matches!(*given, "table" | "primary_key" | "unique"));
    for (attribute, span) in foreign {
        report.at(
            *span,
            format!(
                "table `{name}` is external, so nothing is made for it; remove `#[{attribute}]`"
            ),
        );
    }
    if let Some(scope) = &table.scope {
        report.over(
            &scope.0,
            format!("table `{name}` is external, so no query reads it; remove `scope`"),
        );
    }
    for (word, renamed) in [
        ("renamed_from", &table.renamed_from),
        ("replaces", &table.replaces),
    ] {
        if let Some(renamed) = renamed {
            report.at(
                renamed.span,
                format!("table `{name}` is external, so it is never renamed here; remove `{word}`"),
            );
        }
    }
}

/// What would be made of a field.
pub(crate) fn external_column(column: &Column, attr: &ColumnAttr, report: &mut Report) {
    let numbered = attr.generated.first();
    let references = attr.references.as_ref();
    let text = |word, at: &Option<At<String>>| at.as_ref().map(|at| (word, at.span));
    let made = [
        numbered.map(|at| match at.value {
            Generated::Serial => ("serial", at.span),
            _ => ("identity", at.span),
        }),
        column.default.as_ref().map(|at| ("default", at.span)),
        references.map(|(_, field)| ("references", field.span())),
        attr.updated_at.map(|span| ("updated_at", span)),
        attr.version.map(|span| ("version", span)),
        text("generated", &column.computed),
        text("collate", &column.collation),
        text("renamed_from", &column.renamed_from),
        text("replaces", &column.replaces),
    ];
    for (word, span) in made.into_iter().flatten() {
        report.at(
            span,
            format!(
                "column `{}` belongs to an external table, of which only names, types and keys matter; \
                 remove `{word}`",
                column.name.value
            ),
        );
    }
}
