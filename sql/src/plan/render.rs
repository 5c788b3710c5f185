//! The text of definitions: what stands in `create …` and in `add …`.

use crate::ident::{object_name, quote};
use crate::schema::{
    BTREE, Check, Column, Deferrable, Exclusion, ForeignKey, Generated, Index, IndexColumn,
    IndexKey, Nulls, PrimaryKey, QualifiedName, ReferentialAction, Type, Unique,
};

/// Names quoted and joined, as they stand between parentheses.
pub(super) fn columns(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

/// A column as it stands in `create table` and `add column`.
pub(super) fn column(column: &Column) -> String {
    let ty = match (column.generated, &column.ty) {
        (Some(Generated::Serial), Type::Int2) => "smallserial".to_owned(),
        (Some(Generated::Serial), Type::Int8) => "bigserial".to_owned(),
        (Some(Generated::Serial), _) => "serial".to_owned(),
        (_, ty) => ty.to_string(),
    };
    let mut text = format!("{} {ty}", quote(&column.name));
    if let Some(collation) = &column.collation {
        text.push_str(&format!(" collate {collation}"));
    }
    if !column.nullable {
        text.push_str(" not null");
    }
    if let Some(identity) = identity(column.generated) {
        text.push_str(&format!(" generated {identity} as identity"));
    }
    if let Some(computed) = &column.computed {
        text.push_str(&format!(" generated always as ({}) stored", computed.sql));
    }
    if let Some(default) = &column.default {
        text.push_str(&format!(" default {default}"));
    }
    text
}

/// The keywords between `generated` and `as identity`.
pub(super) fn identity(generated: Option<Generated>) -> Option<&'static str> {
    match generated {
        Some(Generated::IdentityAlways) => Some("always"),
        Some(Generated::IdentityByDefault) => Some("by default"),
        Some(Generated::Serial) | None => None,
    }
}

/// The sequence that a numbered column owns, under the name that PostgreSQL gives it.
pub(super) fn sequence(name: &QualifiedName, column: &Column) -> Option<QualifiedName> {
    column.generated?;
    let sequence = object_name(&name.name, &column.name, "seq");
    Some(QualifiedName::new(&name.schema, sequence))
}

/// The sequence of a serial column, which whoever inserts must be allowed to use.
pub(super) fn serial_sequence(name: &QualifiedName, column: &Column) -> Option<QualifiedName> {
    sequence(name, column).filter(|_| column.generated == Some(Generated::Serial))
}

pub(super) fn primary_key(key: &PrimaryKey) -> String {
    format!(
        "primary key ({}){}",
        columns(&key.columns),
        deferrable(key.deferrable)
    )
}

pub(super) fn unique(unique: &Unique) -> String {
    let nulls = if unique.nulls_not_distinct {
        " nulls not distinct"
    } else {
        ""
    };
    format!(
        "unique{nulls} ({}){}",
        columns(&unique.columns),
        deferrable(unique.deferrable)
    )
}

pub(super) fn check(check: &Check) -> String {
    let not_valid = if check.not_valid { " not valid" } else { "" };
    format!("check ({}){not_valid}", check.expr.sql)
}

pub(super) fn exclusion(exclusion: &Exclusion) -> String {
    let elements: Vec<String> = exclusion
        .elements
        .iter()
        .map(|element| {
            format!(
                "{} with {}",
                index_column(&element.column),
                element.operator
            )
        })
        .collect();
    let predicate = exclusion
        .predicate
        .as_ref()
        .map_or(String::new(), |predicate| {
            format!(" where ({})", predicate.sql)
        });
    format!(
        "exclude using {} ({}){predicate}{}",
        quote(&exclusion.method),
        elements.join(", "),
        deferrable(exclusion.deferrable)
    )
}

pub(super) fn foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "foreign key ({}) references {} ({})",
        columns(&key.columns),
        key.table,
        columns(&key.references)
    );
    if key.on_delete != ReferentialAction::NoAction {
        text.push_str(&format!(" on delete {}", key.on_delete.as_sql()));
        if !key.on_delete_columns.is_empty() {
            text.push_str(&format!(" ({})", columns(&key.on_delete_columns)));
        }
    }
    if key.on_update != ReferentialAction::NoAction {
        text.push_str(&format!(" on update {}", key.on_update.as_sql()));
    }
    text.push_str(&deferrable(key.deferrable));
    if key.not_valid {
        text.push_str(" not valid");
    }
    text
}

/// The keywords with the blank before them; nothing for the default.
pub(super) fn deferrable(deferrable: Deferrable) -> String {
    match deferrable.as_sql() {
        "" => String::new(),
        keywords => format!(" {keywords}"),
    }
}

/// An index as a statement creates it; `how` is empty, or `concurrently `.
pub(super) fn index(name: &QualifiedName, index: &str, definition: &Index, how: &str) -> String {
    index_on(&name.to_string(), index, definition, how)
}

/// An index of a partitioned table, without those of its partitions, which are attached to it later.
pub(super) fn index_only(name: &QualifiedName, index: &str, definition: &Index) -> String {
    index_on(&format!("only {name}"), index, definition, "")
}

fn index_on(table: &str, index: &str, definition: &Index, how: &str) -> String {
    let unique = if definition.unique { "unique " } else { "" };
    let method = if definition.method == BTREE {
        String::new()
    } else {
        format!("using {} ", quote(&definition.method))
    };
    let keys: Vec<String> = definition.columns.iter().map(index_column).collect();
    let mut text = format!(
        "create {unique}index {how}{} on {table} {method}({})",
        quote(index),
        keys.join(", ")
    );
    if !definition.include.is_empty() {
        text.push_str(&format!(" include ({})", columns(&definition.include)));
    }
    if definition.nulls_not_distinct {
        text.push_str(" nulls not distinct");
    }
    if !definition.with.is_empty() {
        let with: Vec<String> = definition
            .with
            .iter()
            .map(|(key, value)| format!("{} = {value}", quote(key)))
            .collect();
        text.push_str(&format!(" with ({})", with.join(", ")));
    }
    if let Some(predicate) = &definition.predicate {
        text.push_str(&format!(" where {}", predicate.sql));
    }
    text
}

fn index_column(column: &IndexColumn) -> String {
    let mut text = match &column.key {
        IndexKey::Name(name) => quote(name).into_owned(),
        IndexKey::Expression(expr) => format!("({})", expr.sql),
    };
    if let Some(collation) = &column.collation {
        text.push_str(&format!(" collate {collation}"));
    }
    if let Some(opclass) = &column.opclass {
        text.push_str(&format!(" {opclass}"));
    }
    if column.descending {
        text.push_str(" desc");
    }
    match column.nulls {
        Some(Nulls::First) => text.push_str(" nulls first"),
        Some(Nulls::Last) => text.push_str(" nulls last"),
        None => {}
    }
    text
}
