//! What a struct says about earlier names.

use std::collections::BTreeMap;

use tabellion_sql::schema::TableRenames;

use crate::ast::{At, Column, Table};

/// The renames that the attributes of one struct state, for the table that it declares.
pub fn renames(table: &Table) -> TableRenames {
    TableRenames {
        from: table.renamed_from.as_ref().map(|name| name.value.clone()),
        replaces: table.replaces.as_ref().map(|name| name.value.clone()),
        columns: stated(table, |column| column.renamed_from.as_ref()),
        replaced_columns: stated(table, |column| column.replaces.as_ref()),
        partitions: table
            .partitions
            .iter()
            .filter_map(|partition| {
                let earlier = partition.renamed_from.as_ref()?;
                Some((partition.name.value.clone(), earlier.value.clone()))
            })
            .collect(),
    }
}

/// By the declared column's name, the other one.
fn stated(
    table: &Table,
    of: impl for<'a> Fn(&'a Column) -> Option<&'a At<String>>,
) -> BTreeMap<String, String> {
    let columns = table.columns.iter();
    columns
        .filter_map(|column| Some((column.name.value.clone(), of(column)?.value.clone())))
        .collect()
}
