//! Branches that both change the policies of a table.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::migrate::reseal;
use tabellion_sql::schema::{Expr, Policy, Rls, Role, Schema};

use crate::anew::{parted, plain, runs, tables};

fn policy() -> Policy {
    Policy {
        command: None,
        restrictive: false,
        roles: BTreeSet::from(["app".into()]),
        using: Some(Expr::new("x > 0", ["x"])),
        check: None,
    }
}

/// A table with these policies.
fn with(names: &[&str]) -> Schema {
    let mut table = plain("A");
    let policies = names.iter().map(|name| ((*name).to_owned(), policy()));
    table.rls = Rls::Enabled(policies.collect());
    let mut schema = tables(&[("public", "a", table)]);
    schema.roles = BTreeMap::from([("app".to_owned(), Role::Created)]);
    schema
}

fn off() -> Schema {
    let mut schema = with(&[]);
    for table in schema.tables.values_mut() {
        table.rls = Rls::Disabled("a test".into());
    }
    schema
}

#[tokio::test]
async fn what_both_leave_of_the_policies_holds() {
    for (base, right, left, both) in [
        // Each drops another one of the only two.
        (vec!["p", "q"], vec!["p"], vec!["q"], vec![]),
        // One drops the last, and the other adds one.
        (vec!["p"], vec![], vec!["p", "q"], vec!["q"]),
        (vec!["p"], vec!["p", "q"], vec![], vec!["q"]),
        // Both add the first.
        (vec![], vec!["p"], vec!["q"], vec!["p", "q"]),
    ] {
        let repository = parted(&with(&base), &[with(&right)], &[with(&left)]);
        runs(&repository, &with(&both)).await;
    }
}

#[test]
fn row_level_security_that_one_turns_off_is_told_where_the_other_changes_policies() {
    for (base, changed) in [
        (vec!["p"], vec!["p", "q"]),
        (vec![], vec!["p"]),
        (vec!["p"], vec![]),
    ] {
        for (right, left) in [(off(), with(&changed)), (with(&changed), off())] {
            let repository = parted(&with(&base), &[right], &[left]);
            let (text, files) = (
                repository.project.read("tabellion.lock"),
                repository.files(),
            );
            let said = reseal(repository.project.root(), &[])
                .unwrap_err()
                .to_string();
            assert!(
                [
                    "rls.disabled = ",
                    "rls.enabled",
                    "both branches changed the same thing, in `",
                    "_left.sql`",
                    "_right.sql`",
                    "; take one of the branches back",
                ]
                .iter()
                .all(|part| said.contains(part)),
                "{said}"
            );
            assert_eq!(
                (
                    repository.project.read("tabellion.lock"),
                    repository.files()
                ),
                (text, files)
            );
        }
    }
}
