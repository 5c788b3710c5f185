//! A text column that equals a setting, in a form that an index serves and that no empty text satisfies.
//!
//! `col = (select current_setting('app.x', true)) and col > ''`: no text is less than the empty one, so that `col > ''`
//! is `col <> ''`. A B-tree answers it once, where `<>` would be asked of every row. A GIN index (by the extension
//! btree_gin, which knows `>` and not `<>`) would read all its keys for it, so that a column of one is asked with `<>`.

use tabellion_sql::ident::quote;
use tabellion_sql::schema::Type;

use crate::ast::{Column, IndexColumn, Table, TypeRef};
use crate::predicate::plain;

/// Whether a column holds a text, as an enumeration does.
pub(super) fn is_text(column: &Column) -> bool {
    matches!(
        column.ty,
        TypeRef::Known(Type::Text | Type::Varchar(_) | Type::Char(_)) | TypeRef::Enum(_)
    )
}

/// The equality, of the column of a table whose row has that name, where it needs one.
pub(super) fn equal(table: &Table, column: &Column, row: Option<&str>, setting: &str) -> String {
    let name = quote(&column.name.value);
    let name = match row {
        Some(row) => format!("{row}.{name}"),
        None => name.into_owned(),
    };
    // As text the column would be another expression than the one an index holds.
    let cast = match column.ty {
        TypeRef::Known(Type::Char(_)) => "::bpchar",
        _ => "",
    };
    let other = if has_gin(table, column) { "<>" } else { ">" };
    format!("{name} = {setting}{cast} and {name} {other} ''")
}

fn has_gin(table: &Table, column: &Column) -> bool {
    let field = plain(&column.ident);
    let holds = |key: &IndexColumn| key.field().is_some_and(|key| plain(key) == field);
    let mut gin = table.indexes.iter().filter(|it| it.method.value == "gin");
    gin.any(|index| index.columns.iter().any(holds))
}
