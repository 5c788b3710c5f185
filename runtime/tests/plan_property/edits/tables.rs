//! Changes of tables.

use tabellion_sql::schema::{Platform, QualifiedName, Role};

use super::Editor;
use crate::dice::Dice;
use crate::generate::{self, TableSeed};
use crate::names::{self, NAMESPACES};
use crate::parts;

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        add(editor, dice);
        return "a table";
    };
    match dice.below(12) {
        0 | 1 => {
            add(editor, dice);
            "a table"
        }
        2 | 3 => {
            editor.schema.tables.remove(&name);
            editor.table_gone(&name);
            "drop a table"
        }
        4 | 5 => {
            let new = names::table(&editor.schema, &name.schema, dice);
            rename(editor, &name, &new, dice.one_in(2));
            "rename a table"
        }
        6 => {
            let namespace = *dice.pick(&NAMESPACES);
            let taken = names::taken(&editor.schema, namespace);
            let old = names::taken(&editor.schema, &name.schema);
            // Everything that lies beside the table goes along.
            if namespace != name.schema && taken.is_disjoint(&old) {
                let new = QualifiedName::new(namespace, &name.name);
                rename(editor, &name, &new, false);
            }
            "move a table to another schema"
        }
        7 | 8 => partition(editor, &name, dice),
        9 => {
            editor.table(&name).comment = dice.any(&["Another comment.".to_owned()]);
            "comment on a table"
        }
        10 => {
            if editor.schema.platform == Platform::Postgres {
                editor.schema.platform = Platform::Supabase;
                for role in Platform::Supabase.default_grantees() {
                    editor.schema.roles.insert((*role).into(), Role::External);
                }
            }
            "to Supabase"
        }
        _ => {
            let table = editor.table(&name);
            table.columns.reverse();
            table.source.push_str("::moved");
            "fields and structs in another place"
        }
    }
}

fn add(editor: &mut Editor, dice: &mut Dice) {
    let mut seeds = |most: usize| -> Vec<u64> {
        let wanted = dice.below(most);
        (0..wanted).map(|_| dice.below(usize::MAX) as u64).collect()
    };
    let (columns, parts) = (seeds(4), seeds(6));
    let seed = TableSeed {
        head: dice.below(usize::MAX) as u64,
        columns,
        parts,
    };
    let name = generate::add_table(&mut editor.schema, &seed);
    for part in &seed.parts {
        parts::add(&mut editor.schema, &name, &mut Dice::new(*part));
    }
}

/// Renames a table wherever it is named; with `whole`, what is named after it too.
fn rename(editor: &mut Editor, old: &QualifiedName, new: &QualifiedName, whole: bool) {
    if old == new || editor.schema.tables.contains_key(new) {
        return;
    }
    let mut table = editor.schema.tables.remove(old).expect("the table");
    if whole {
        let taken = names::taken(&editor.schema, &new.schema);
        let say = |name: &String| -> String {
            let named = name
                .strip_prefix(old.name.as_str())
                .map(|rest| format!("{}{rest}", new.name));
            named
                .filter(|it| it.len() < 60 && !taken.contains(it))
                .unwrap_or_else(|| name.clone())
        };
        table.indexes = table
            .indexes
            .iter()
            .map(|(n, it)| (say(n), it.clone()))
            .collect();
        table.uniques = table
            .uniques
            .iter()
            .map(|(n, it)| (say(n), it.clone()))
            .collect();
        table.checks = table
            .checks
            .iter()
            .map(|(n, it)| (say(n), it.clone()))
            .collect();
        table.foreign_keys = table
            .foreign_keys
            .iter()
            .map(|(n, it)| (say(n), it.clone()))
            .collect();
        if let Some(key) = &mut table.primary_key {
            key.name = say(&key.name);
        }
    }
    editor.schema.tables.insert(new.clone(), table);
    for table in editor.schema.tables.values_mut() {
        for key in table
            .foreign_keys
            .values_mut()
            .filter(|key| key.table == *old)
        {
            key.table = new.clone();
        }
    }
    let (before, after) = (format!("from {old} as o"), format!("from {new} as o"));
    super::access::retell(&mut editor.schema, |expr| {
        if expr.tables.remove(&old.into()) {
            expr.tables.insert(new.into());
            expr.sql = expr.sql.replace(&before, &after);
        }
    });
    editor.table_renamed(old, new);
}

/// Another partition key, or a partition together with a CHECK.
pub(super) fn parted(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let parted = editor.schema.tables.iter();
    let parted = parted.filter(|(_, table)| table.partition_by.is_some());
    let parted: Vec<QualifiedName> = parted.map(|(name, _)| name.clone()).collect();
    let Some(name) = dice.any(&parted) else {
        return "no partitioned table";
    };
    if !dice.one_in(4) {
        partition(editor, &name, dice);
        parts::check(&mut editor.schema, &name, dice);
        return "a partition and a check";
    }
    let table = editor.table(&name);
    let Some(by) = &mut table.partition_by else {
        return "another partition key";
    };
    by.columns.reverse();
    if let [column] = by.columns.as_mut_slice() {
        let others = table.columns.iter().filter(|it| it.name != *column);
        let ty = table.columns.iter().find(|it| it.name == *column);
        let alike = others.filter(|it| ty.is_some_and(|ty| ty.ty == it.ty));
        if let Some(other) = dice.any(&alike.cloned().collect::<Vec<_>>()) {
            column.clone_from(&other.name);
        }
    }
    "another partition key"
}

/// A partition more or less.
fn partition(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) -> &'static str {
    let by: Vec<QualifiedName> = editor
        .schema
        .tables
        .iter()
        .filter(|(_, table)| table.partition_by.is_some())
        .map(|(name, _)| name.clone())
        .collect();
    let name = dice.any(&by).unwrap_or_else(|| name.clone());
    let taken = names::taken(&editor.schema, &name.schema);
    let table = editor.table(&name);
    let Some(by) = table.partition_by.clone() else {
        return "a partition";
    };
    let there: Vec<String> = table.partitions.keys().cloned().collect();
    if dice.one_in(2)
        && let Some(gone) = dice.any(&there)
    {
        table.partitions.remove(&gone);
        return "drop a partition";
    }
    let ty = table.column(&by.columns[0]).map(|column| column.ty.clone());
    let bounds = ty.map(|ty| generate::bounds(by.strategy, &ty, by.columns.len()));
    let bounds = bounds.unwrap_or_default();
    let free: Vec<usize> = (0..bounds.len())
        // Rows lie where the first of them is, or in the default partition: it would refuse it.
        .skip(1)
        .filter(|index| {
            !table
                .partitions
                .values()
                .any(|bound| *bound == bounds[*index])
        })
        .collect();
    if let Some(index) = dice.any(&free) {
        let partition = generate::partition_name(&name, index);
        if !taken.contains(&partition) && !table.partitions.contains_key(&partition) {
            table.partitions.insert(partition, bounds[index].clone());
        }
    }
    "a partition"
}
