//! The known attacks on row-level security: each first succeeds on a schema written by hand that lacks the answer,
//! then fails on one that is generated. They run as the application's role, over the wire, as raw SQL, and through
//! the typed helpers where those could let one through.
//!
//! The rules' table of traps (`sql/src/rule/mod.rs`) is what has to be shown. [`SHOWN`] says where each is, and
//! a test that it is all there; the traps that are no attack are shown where their answer is tested, and those that
//! stay are told to the user.

#[path = "../../../syntax/tests/common/mod.rs"]
mod common;
#[path = "../policies/support.rs"]
#[allow(dead_code)] // The policies use more of it.
mod support;

mod attempt;
mod keys;
mod objects;
mod open;
mod predicates;
mod settings;

use std::collections::BTreeSet;
use std::path::Path;

/// Where a trap is shown.
enum Where {
    /// By these functions: a file, and a function in it.
    By(&'static [(&'static str, &'static str)]),
    /// Nowhere: it stays, and this file tells the user with these words.
    Told(&'static str, &'static str),
}
use Where::{By, Told};

/// Each trap of the table, in its words and its order.
const SHOWN: [(&str, Where); 29] = [
    (
        "an index whose operator is not leakproof",
        By(&[("sql/src/rule/leakproof_index.rs", "leakproof_index")]),
    ),
    (
        "a policy on a column that no index leads with",
        By(&[("sql/src/rule/policy_column_index.rs", "policy_column_index")]),
    ),
    (
        "a native enum",
        By(&[("sql/src/rule/native_enum.rs", "native_enum")]),
    ),
    (
        "a setting left empty, a value of another type",
        By(&[
            (
                "tests/tests/attacks/settings.rs",
                "a_setting_that_a_transaction_left_empty",
            ),
            (
                "tests/tests/attacks/settings.rs",
                "a_setting_that_hides_what_stands_behind_it",
            ),
            (
                "tests/tests/policies/settings.rs",
                "what_is_no_value_of_the_type_denies_and_never_raises",
            ),
        ]),
    ),
    (
        "a subselect or a function for each row",
        By(&[
            (
                "tests/tests/policies/settings/plans.rs",
                "an_index_serves_every_type_and_the_setting_is_read_once",
            ),
            (
                "tests/tests/policies/membership.rs",
                "the_members_are_read_once_along_their_key",
            ),
        ]),
    ),
    (
        "row-level security forgotten",
        By(&[(
            "tests/tests/attacks/open.rs",
            "row_level_security_forgotten",
        )]),
    ),
    (
        "the owner bypasses it",
        By(&[("tests/tests/attacks/open.rs", "an_owner_that_nothing_holds")]),
    ),
    (
        "a backfill under FORCE changes no row",
        By(&[(
            "tests/tests/attacks/open.rs",
            "a_backfill_that_changes_nothing",
        )]),
    ),
    (
        "no policy for a command",
        By(&[("tests/tests/attacks/open.rs", "a_command_without_a_policy")]),
    ),
    (
        "UPDATE without WITH CHECK",
        By(&[(
            "tests/tests/attacks/predicates.rs",
            "an_update_without_a_check",
        )]),
    ),
    (
        "UPDATE that reaches every row",
        By(&[(
            "tests/tests/attacks/predicates.rs",
            "an_update_of_every_row",
        )]),
    ),
    (
        "RETURNING, WHERE, ON CONFLICT, FOR UPDATE need further policies",
        By(&[(
            "tests/tests/attacks/predicates.rs",
            "what_needs_a_further_policy_is_refused",
        )]),
    ),
    (
        "a policy without TO",
        By(&[("tests/tests/attacks/open.rs", "a_policy_for_whoever_comes")]),
    ),
    (
        "default privileges, TRUNCATE among them",
        By(&[("tests/tests/attacks/open.rs", "default_privileges")]),
    ),
    (
        "a second permissive policy",
        By(&[(
            "tests/tests/attacks/predicates.rs",
            "a_second_permissive_policy",
        )]),
    ),
    (
        "a key reveals another tenant's row",
        By(&[(
            "tests/tests/attacks/keys.rs",
            "a_key_that_tells_of_another_tenant",
        )]),
    ),
    (
        "a foreign key leads to another tenant's row",
        By(&[(
            "tests/tests/attacks/keys.rs",
            "a_reference_into_another_tenant",
        )]),
    ),
    (
        "a view reads as its owner",
        By(&[
            (
                "tests/tests/attacks/objects.rs",
                "a_view_that_reads_as_its_owner",
            ),
            (
                "runtime/tests/migrate_verify/openings.rs",
                "a_view_that_reads_past_policies_is_told",
            ),
        ]),
    ),
    (
        "a materialized view has no policies",
        By(&[("tests/tests/attacks/objects.rs", "a_materialized_view")]),
    ),
    (
        "a partition is reached directly",
        By(&[(
            "tests/tests/attacks/objects.rs",
            "a_partition_reached_directly",
        )]),
    ),
    (
        "CREATE TABLE AS and LIKE copy no policies",
        By(&[("tests/tests/attacks/objects.rs", "a_copy_without_policies")]),
    ),
    (
        "COPY FROM is refused",
        By(&[(
            "tests/tests/attacks/predicates.rs",
            "what_needs_a_further_policy_is_refused",
        )]),
    ),
    (
        "a rolled-back savepoint restores a setting",
        By(&[(
            "tests/tests/attacks/settings.rs",
            "a_savepoint_that_brings_a_tenant_back",
        )]),
    ),
    (
        "a policy in raw SQL that raises an error, or is read for each row",
        By(&[(
            "tests/tests/rules.rs",
            "a_policy_in_raw_sql_is_warned_of_unless_somebody_says_why",
        )]),
    ),
    (
        "`set_config` in raw SQL changes the tenant",
        By(&[(
            "tests/tests/attacks/settings.rs",
            "a_tenant_set_by_injected_sql",
        )]),
    ),
    (
        "a session's setting reaches the pooler's next client",
        By(&[
            (
                "tests/tests/attacks/settings.rs",
                "a_setting_that_outlives_its_client",
            ),
            ("sql/src/lint/plain_set.rs", "plain_set"),
        ]),
    ),
    (
        "a login that bypasses",
        By(&[
            ("tests/tests/attacks/open.rs", "a_login_that_bypasses"),
            (
                "runtime/tests/query_scoped/logins.rs",
                "a_role_that_bypasses",
            ),
            ("sql/src/lint/role_power.rs", "role_power"),
        ]),
    ),
    (
        "a function without a search path",
        By(&[(
            "tests/tests/attacks/objects.rs",
            "a_function_without_a_search_path",
        )]),
    ),
    (
        "sequences, EXPLAIN ANALYZE, replication",
        Told(
            "README.md",
            "What PostgreSQL's row-level security does not cover",
        ),
    ),
];

#[test]
fn every_trap_is_shown_or_told() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |file: &str| {
        std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    let rules = read("sql/src/rule/mod.rs");
    let rows = rules.lines().filter_map(|line| line.strip_prefix("//! | "));
    let traps: BTreeSet<&str> = rows
        .filter_map(|row| row.split(" | ").next())
        .filter(|trap| *trap != "trap")
        .collect();
    let shown: BTreeSet<&str> = SHOWN.iter().map(|(trap, _)| *trap).collect();
    assert!(traps.len() > 20, "{traps:?}");
    assert_eq!(shown, traps);
    for (trap, place) in SHOWN {
        match place {
            By(places) => {
                for (file, function) in places {
                    let text = read(file);
                    let found = text.contains(&format!("fn {function}()"));
                    assert!(found, "{trap}: `{file}` has no `{function}`");
                }
            }
            Told(file, words) => assert!(read(file).contains(words), "{trap}: {file}"),
        }
    }
}
