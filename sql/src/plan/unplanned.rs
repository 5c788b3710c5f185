//! The last question of a plan: whether it was silent about something.

use crate::schema::{Expr, QualifiedName, Rls, Schema, Table};

use super::Question;

/// What to say where nothing is planned between two schemas, and a table differs in more than what needs no SQL.
pub(super) fn ask(from: &Schema, to: &Schema) -> Option<Question> {
    let mut names = from.tables.keys().chain(to.tables.keys());
    let bare = |schema: &Schema, name: &QualifiedName| schema.tables.get(name).map(bare);
    let table = names.find(|name| {
        let (mut before, after) = (bare(from, name), bare(to, name));
        if let (Some(before), Some(after)) = (&mut before, &after) {
            before.spell_bounds_as(after);
        }
        before != after
    })?;
    Some(Question {
        table: table.clone(),
        column: None,
        message: format!(
            "table `{}` differs from what was sealed, and Tabellion knows no statement for the difference, which is \
             a defect of its own; report it, and until then take the last change of the table back",
            table.name
        ),
    })
}

/// A table with nothing but what is made by SQL.
fn bare(table: &Table) -> Table {
    let mut table = table.clone();
    table.source.clear();
    table
        .columns
        .sort_by(|one, other| one.name.cmp(&other.name));
    table.grants.retain(|_, commands| !commands.is_empty());
    for commands in table.column_grants.values_mut() {
        commands.retain(|_, columns| !columns.is_empty());
    }
    table.column_grants.retain(|_, it| !it.is_empty());
    if let Rls::Enabled(policies) = &mut table.rls {
        for policy in policies.values_mut() {
            for expr in policy.using.iter_mut().chain(&mut policy.check) {
                *expr = Expr::new(expr.written(), [""; 0]);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::schema::{Column, Type};

    #[test]
    fn only_what_needs_sql_is_missed() {
        let name = QualifiedName::new("public", "notes");
        let schema = |table: &Table| Schema {
            tables: BTreeMap::from([(name.clone(), table.clone())]),
            ..Schema::default()
        };
        let columns = ["a", "b"].map(|name| Column::new(name, Type::Int8));
        let from = Table {
            columns: columns.into(),
            ..Table::new("shop::Note")
        };
        let mut to = from.clone();
        to.source.push_str("::moved");
        to.columns.reverse();
        to.grants.insert("app".into(), BTreeSet::new());
        assert_eq!(ask(&schema(&from), &schema(&to)), None);
        to.columns[0].nullable = true;
        let asked = ask(&schema(&from), &schema(&to)).expect("a question");
        assert_eq!(asked.table, name);
        assert!(asked.message.starts_with("table `notes` differs"));
        assert!(ask(&schema(&from), &Schema::default()).is_some());
    }
}
