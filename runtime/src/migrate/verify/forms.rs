//! The forms in which PostgreSQL prints what has one form only: keys, foreign keys, plain indexes, privileges,
//! comments. Source: `src/backend/utils/adt/ruleutils.c` of PostgreSQL.

use std::collections::BTreeSet;

use tabellion_sql::ident::quote;
use tabellion_sql::schema::{
    BTREE, Command, Deferrable, ForeignKey, Index, Nulls, ReferentialAction, Rls, Table,
};

pub(super) fn names(columns: &[String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|name| quote(name)).collect();
    quoted.join(", ")
}

pub(super) fn deferrable(deferrable: Deferrable) -> String {
    match deferrable.as_sql() {
        "" => String::new(),
        keywords => format!(" {}", keywords.to_uppercase()),
    }
}

pub(super) fn nulls_not_distinct(is: bool) -> &'static str {
    if is { " NULLS NOT DISTINCT" } else { "" }
}

pub(super) fn privileges(commands: &BTreeSet<Command>) -> String {
    let mut words: Vec<&str> = commands.iter().map(|command| command.as_str()).collect();
    words.sort_unstable();
    words.join(", ")
}

pub(super) fn foreign_key(key: &ForeignKey) -> String {
    let mut text = format!(
        "FOREIGN KEY ({}) REFERENCES {}({})",
        names(&key.columns),
        key.table,
        names(&key.references)
    );
    if key.on_update != ReferentialAction::NoAction {
        text.push_str(&format!(
            " ON UPDATE {}",
            key.on_update.as_sql().to_uppercase()
        ));
    }
    if key.on_delete != ReferentialAction::NoAction {
        text.push_str(&format!(
            " ON DELETE {}",
            key.on_delete.as_sql().to_uppercase()
        ));
        if !key.on_delete_columns.is_empty() {
            text.push_str(&format!(" ({})", names(&key.on_delete_columns)));
        }
    }
    text.push_str(&deferrable(key.deferrable));
    if key.not_valid {
        text.push_str(" NOT VALID");
    }
    text
}

/// The key of a B-tree over plain columns, with what follows it.
pub(super) fn plain_keys(index: &Index) -> Option<String> {
    let is_plain = index.method == BTREE && index.with.is_empty() && index.predicate.is_none();
    if !is_plain {
        return None;
    }
    let mut keys = Vec::new();
    for column in &index.columns {
        if column.collation.is_some() || column.opclass.is_some() {
            return None;
        }
        let order = match (column.descending, column.nulls) {
            (false, Some(Nulls::First)) => " NULLS FIRST",
            (false, _) => "",
            (true, Some(Nulls::Last)) => " DESC NULLS LAST",
            (true, _) => " DESC",
        };
        keys.push(format!("{}{order}", quote(column.name()?)));
    }
    let mut text = format!("({})", keys.join(", "));
    if !index.include.is_empty() {
        text.push_str(&format!(" INCLUDE ({})", names(&index.include)));
    }
    text.push_str(nulls_not_distinct(index.nulls_not_distinct));
    Some(text)
}

/// The comment on a table, which also carries the reason why it has no row-level security.
pub(super) fn table_comment(table: &Table) -> Option<String> {
    match (&table.comment, &table.rls) {
        (comment, Rls::Enabled(_)) => comment.clone(),
        (None, Rls::Disabled(reason)) => Some(format!("No row-level security: {reason}")),
        (Some(comment), Rls::Disabled(reason)) => {
            Some(format!("{comment}\n\nNo row-level security: {reason}"))
        }
    }
}
