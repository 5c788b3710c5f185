//! Changes of policies, row-level security and grants.

use std::collections::BTreeMap;

use tabellion_sql::schema::{Command, Expr, QualifiedName, Rls, Schema};

use super::Editor;
use crate::dice::Dice;
use crate::names::{APP, AUDITOR};
use crate::parts;

pub(super) fn change(editor: &mut Editor, dice: &mut Dice) -> &'static str {
    let Some(name) = editor.any_table(dice) else {
        return "no table";
    };
    match dice.below(8) {
        0 | 1 => {
            parts::policy(&mut editor.schema, &name, dice);
            "a policy"
        }
        2 | 3 => {
            policy(editor, &name, dice);
            "another policy, or none"
        }
        4 => {
            let table = editor.table(&name);
            table.rls = match table.rls {
                Rls::Enabled(_) => Rls::Disabled("public facts".into()),
                Rls::Disabled(_) => Rls::Enabled(BTreeMap::new()),
            };
            "row-level security, or none"
        }
        5 => {
            if let Rls::Disabled(reason) = &mut editor.table(&name).rls {
                reason.push_str(", really");
            }
            "another reason"
        }
        6 => {
            parts::grant(&mut editor.schema, &name, dice);
            "other grants"
        }
        _ => {
            editor
                .table(&name)
                .grants
                .remove(*dice.pick(&[APP, AUDITOR]));
            "no grants"
        }
    }
}

fn policy(editor: &mut Editor, name: &QualifiedName, dice: &mut Dice) {
    let (using, check) = (
        parts::predicate(&editor.schema, name, dice),
        parts::predicate(&editor.schema, name, dice),
    );
    let Rls::Enabled(policies) = &mut editor.table(name).rls else {
        return;
    };
    let known: Vec<String> = policies.keys().cloned().collect();
    let Some(policy) = dice.any(&known) else {
        return;
    };
    let changed = policies.get_mut(&policy).expect("the policy");
    match dice.below(4) {
        0 => {
            policies.remove(&policy);
        }
        1 => {
            changed.roles = dice
                .some(&[APP, AUDITOR], 2)
                .into_iter()
                .map(str::to_owned)
                .collect();
        }
        2 => {
            changed.command = *dice.pick(&[None, Some(Command::Update)]);
            changed.using = Some(using);
            changed.check = Some(check);
        }
        _ => {
            if changed.using.is_some() {
                changed.using = Some(using);
            }
            if changed.check.is_some() {
                changed.check = Some(check);
            }
        }
    }
}

/// Every expression that policies hold.
pub(super) fn retell(schema: &mut Schema, mut say: impl FnMut(&mut Expr)) {
    for table in schema.tables.values_mut() {
        if let Rls::Enabled(policies) = &mut table.rls {
            for policy in policies.values_mut() {
                policy
                    .using
                    .iter_mut()
                    .chain(&mut policy.check)
                    .for_each(&mut say);
            }
        }
    }
}
