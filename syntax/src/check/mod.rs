//! What one struct can hold wrong, beyond what parsing an attribute shows. A function for each rule,
//! a file for each family of them.

mod collation;
mod column;
mod exclusion;
mod external;
mod generated;
mod index;
mod keys;
mod names;
mod partition;
mod policies;
mod predicates;
mod renames;
mod storage;
mod written;

use tabellion_sql::rule::no_answer;
use tabellion_sql::schema::Type;

use crate::Report;
use crate::ast::{Rls, Table, TypeRef};

pub(crate) use column::{column, has_room};
pub(crate) use external::{external, external_column};
pub(crate) use names::{name, no_nul};

/// Every rule about a whole struct. `scope_tried`: it was named, rightly or not.
pub(crate) fn table(table: &Table, scope_tried: bool, report: &mut Report) {
    rls(table, report);
    columns(table, report);
    names::names(table, report);
    names::duplicates(table, report);
    keys::keys(table, report);
    index::indexes(table, report);
    exclusion::exclusions(table, report);
    keys::foreign_keys(table, report);
    partition::partitions(table, report);
    generated::generated(table, report);
    renames::renames(table, report);
    predicates::predicates(table, report);
    policies::policies(table, scope_tried, report);
    written::written(table, report);
}

/// No table without an answer on row-level security.
fn rls(table: &Table, report: &mut Report) {
    if let Rls::Missing = table.rls {
        report.at(table.ident.span(), no_answer(&table.name.value));
    }
}

/// The types of the columns by their names, as far as the struct tells.
fn types(table: &Table) -> impl Fn(&str) -> Option<Type> {
    |name| {
        let column = table.columns.iter().find(|it| it.name.value == name)?;
        match &column.ty {
            // A field that cannot be read passes for a text, and has been reported.
            TypeRef::Stated(Type::Text) | TypeRef::EnumArray(_) => None,
            TypeRef::Known(ty) | TypeRef::Stated(ty) => Some(ty.clone()),
            TypeRef::Enum(_) => Some(Type::Text),
        }
    }
}

/// PostgreSQL's limit on the columns of a table (MaxHeapAttributeNumber).
const MAX_COLUMNS: usize = 1600;

fn columns(table: &Table, report: &mut Report) {
    let name = &table.name.value;
    match table.columns.len() {
        0 => report.at(
            table.ident.span(),
            format!("table `{name}` has no columns; add a field"),
        ),
        count if count > MAX_COLUMNS => report.at(
            table.ident.span(),
            format!(
                "table `{name}` has {count} columns, and PostgreSQL allows {MAX_COLUMNS}; \
                 put some into a table of their own"
            ),
        ),
        _ => {}
    }
}
