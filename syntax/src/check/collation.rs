//! Collations where nothing is collated.

use tabellion_sql::raw;

use super::{name, types};
use crate::Report;
use crate::ast::{Column, IndexColumn, IndexKey, Table, TypeRef};

pub(super) fn column(column: &Column, report: &mut Report) {
    let Some(collation) = &column.collation else {
        return;
    };
    name("collation", collation, report);
    if holds_no_text(&column.ty) {
        report.at(
            collation.span,
            format!(
                "column `{}` holds no text, and `collate` orders texts; remove it",
                column.name.value
            ),
        );
    }
}

/// One part of the key of an index or of an exclusion constraint.
pub(super) fn part(table: &Table, what: &str, part: &IndexColumn, report: &mut Report) {
    let Some(collation) = &part.collation else {
        return;
    };
    let over = match &part.key {
        IndexKey::Field(field) => {
            let column = table.column(field).filter(|it| holds_no_text(&it.ty));
            column.map(|column| format!("column `{}`, which holds no text", column.name.value))
        }
        IndexKey::Sql(sql) => {
            let ty = raw::type_of(&sql.value, &types(table));
            ty.filter(|ty| ty.is_collatable() == Some(false))
                .map(|ty| format!("an expression of type `{ty}`"))
        }
    };
    if let Some(over) = over {
        report.at(
            collation.span,
            format!("{what} is over {over}, and `collate` orders texts; remove it"),
        );
    }
}

fn holds_no_text(ty: &TypeRef) -> bool {
    match ty {
        TypeRef::Enum(_) | TypeRef::EnumArray(_) => false,
        TypeRef::Known(ty) | TypeRef::Stated(ty) => ty.is_collatable() == Some(false),
    }
}
