//! Branches that both change the policies of a table.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::migrate::reseal;
use tabellion_sql::schema::{Expr, Policy, Rls, Role, Schema};

use crate::anew::{parted, plain, runs, tables};

/// A policy for rows that no policy of another name is for, but for `p` and `r`.
fn policy(name: &str) -> Policy {
    let rows = if name == "q" { "x < 0" } else { "x > 0" };
    Policy {
        command: None,
        restrictive: false,
        roles: BTreeSet::from(["app".into()]),
        using: Some(Expr::new(rows, ["x"])),
        check: None,
    }
}

/// A table with these policies.
fn with(names: &[&str]) -> Schema {
    let mut table = plain("A");
    let policies = names.iter().map(|name| ((*name).to_owned(), policy(name)));
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
fn a_policy_opens_what_one_that_is_gone_no_longer_covers() {
    // Beside `p` it let nothing more through, and nobody had to look at it.
    let repository = parted(&with(&["p"]), &[with(&[])], &[with(&["p", "r"])]);
    let said = reseal(repository.project.root(), &[]).unwrap_err();
    let opened = "`widens-access: policy r on public.a: new`";
    assert!(said.to_string().contains(opened), "{said}");
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
