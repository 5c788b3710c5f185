use super::*;
use crate::raw::types::tests::column;

fn said(sql: &str, clause: Clause) -> Vec<String> {
    mistyped(sql, clause, &column)
}

#[test]
fn what_is_stored_depends_on_no_setting() {
    for sql in [
        "name::date",
        "date(name)",
        "cast(code as timestamptz)",
        "day::text",
        "at::text",
        "at::date",
        "day::timestamptz",
        "local::timestamptz = local::timestamptz",
        "(data ->> 'd')::date",
        "name || at",
        "at + interval '1 day'",
        "at < day",
        "date_trunc('day', at)",
        "extract(year from at)",
        "during::text",
        "tags::text",
        "name::text[]",
        "age(local)",
    ] {
        assert_eq!(said(sql, Clause::Generated).len(), 1, "{sql}");
        assert_eq!(said(sql, Clause::IndexWhere).len(), 1, "{sql}");
        assert_eq!(said(sql, Clause::Check), [""; 0], "{sql}");
    }
    for sql in [
        "(at at time zone 'UTC')::date",
        "date_trunc('day', at at time zone 'UTC')",
        "extract(year from local)",
        "local::date",
        "noon::text",
        "name::int",
        "n::text || name",
        "name || n",
        "name || tags",
        "date '2026-01-01' < day",
        "'2026-01-01'::date < day",
        "at < '2026-01-01'",
        "day + interval '1 day'",
        "own::text",
        "age(local, local)",
        "missing::date",
    ] {
        assert_eq!(said(sql, Clause::Generated), [""; 0], "{sql}");
    }
}

#[test]
fn a_literal_is_a_value_of_its_type() {
    for sql in [
        "day < '2026-02-30'",
        "'2026-02-30' < day",
        "day < date '2026-02-30'",
        "n > 1 or '2026-13-01'::timestamptz < at",
    ] {
        assert_eq!(said(sql, Clause::Check).len(), 1, "{sql}");
    }
    assert_eq!(said("name < '2026-02-30'", Clause::Check), [""; 0]);
}

#[test]
fn what_is_read_once_is_no_moment_of_asking() {
    let remedies = [
        ("at < 'now'", "write `now()`"),
        ("' NOW ' < local", "write `now()`"),
        ("at >= 'today 10:00'", "write `current_date`"),
        (
            "day in ('2026-01-01', 'Tomorrow')",
            "write `current_date + 1`",
        ),
        (
            "day between 'yesterday' and '2026-01-01'",
            "write `current_date - 1`",
        ),
        ("day = date 'now'", "write `current_date`"),
        ("noon < 'now'", "write `localtime`"),
        (
            "n in (select m.n from m where m.at < 'now'::timestamptz)",
            "write `now()`",
        ),
    ];
    for (sql, remedy) in remedies {
        let said = said(sql, Clause::Policy);
        assert!(
            matches!(&*said, [one] if one.ends_with(remedy)),
            "{sql} {said:?}"
        );
    }
    for clause in [Clause::Check, Clause::IndexWhere, Clause::Generated] {
        let said = said("day > 'today'", clause);
        assert!(
            matches!(&*said, [one] if one.ends_with("write that moment out")),
            "{said:?}"
        );
    }
    assert_eq!(said("'now'::timestamptz", Clause::Default).len(), 1);
    for sql in [
        "name = 'now'",
        "name in ('today', 'now')",
        "day > '2026-01-01'",
        "at < 'infinity'",
        "n in (select m.n from m where m.name = 'now')",
        "name = 'now'::text",
    ] {
        assert_eq!(said(sql, Clause::Policy), [""; 0], "{sql}");
    }
}

#[test]
fn operators_of_other_databases() {
    for sql in ["n > 1 && open", "open || n = 2", "n <=> 1", "open xor open"] {
        assert_eq!(said(sql, Clause::Check).len(), 1, "{sql}");
    }
    for sql in ["tags && tags", "name || code", "own <=> own", "own && own"] {
        assert_eq!(said(sql, Clause::Check), [""; 0], "{sql}");
    }
}
