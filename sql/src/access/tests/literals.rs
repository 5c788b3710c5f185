//! What a literal is, and the order of two.

use super::{told, widens};

#[test]
fn a_literal_is_what_postgresql_makes_of_it() {
    let wide = "share = 9007199254740992.0";
    for (old, new, wider, narrower) in [
        // Two spellings of one `double precision`.
        (
            &*format!("{wide} and share <> 9007199254740993.0"),
            wide,
            "the row (share = 9007199254740992)",
            "",
        ),
        ("share < 0.1", "share < 0.10000000000000001", "", ""),
        // Beside a `real` a literal is `double precision`, in a list `real`.
        (
            "score in (16777217.0, 5.0)",
            "score in (16777216.0, 5.0)",
            "",
            "",
        ),
        (
            "score = 16777217.0 or score = 5.0",
            "score in (16777217.0, 5.0)",
            "the row (score = 16777216)",
            "the row (score = 16777217)",
        ),
        (
            "score = 0.1::real",
            "score in (0.1, 0.2)",
            "the row (score = 0.2)",
            "",
        ),
        (
            "score = 0.1::real and score < 5.0::real",
            "score = 0.1::real",
            "",
            "",
        ),
        // Blanks at the end are no part of a `char(n)`.
        (
            "grade = '' and grade <> ' '",
            "grade = ''",
            "the row (grade = '')",
            "",
        ),
        (
            "grade in ('a', 'b')",
            "grade = 'a  '",
            "",
            "the row (grade = 'b')",
        ),
        ("status = '' and status <> ' '", "status = ''", "", ""),
    ] {
        let (found_wider, found_narrower) = told(old, new).expect(old);
        assert_eq!(found_wider.unwrap_or_default(), wider, "{old} → {new}");
        assert_eq!(
            found_narrower.unwrap_or_default(),
            narrower,
            "{old} → {new}"
        );
    }
}

#[test]
fn a_number_below_zero_is_itself_where_the_type_is_known() {
    // As an `oid` -1 is 4294967295.
    for value in ["spot::oid", "(select o.o from owners o limit 1)"] {
        let (all, few) = (format!("{value} > -1"), format!("{value} > 5"));
        assert!(widens(&all, &few), "{value}");
        assert!(widens(&few, &all), "{value}");
    }
    assert!(!widens("level > -1", "level > 5"));
    assert!(!widens("length(status) > -1", "length(status) > 5"));
    let known = "(select o.o from owners o limit 1) >";
    assert!(!widens(&format!("{known} 1"), &format!("{known} 5")));
}

#[test]
fn the_empty_text_is_the_least_of_texts_alone() {
    // An enumeration may have it as a label behind others.
    let value = "(select o.kind from owners o limit 1)";
    let (least, not) = (format!("{value} > ''"), format!("{value} <> ''"));
    assert!(widens(&least, &not));
    assert!(widens(&not, &least));
    assert!(!widens("shop > ''", "shop <> ''"));
    assert!(!widens(
        &format!("{value} <> ''"),
        &format!("{value} <> '' and done")
    ));
}

#[test]
fn greater_than_the_empty_text_is_another_than_it() {
    // Of "any_case" two letters may be one text, in a list with others too.
    for (column, others) in [
        ("status", "status in ('a', 'b')"),
        ("grade", "grade in ('a', 'b')"),
        ("any_case", "status in ('a', 'b')"),
    ] {
        let greater = format!("{column} > '' and {others}");
        let other = format!("{column} <> '' and {others}");
        for (old, new) in [(&greater, &other), (&other, &greater)] {
            assert!(!widens(old, new), "{old} to {new}");
        }
        assert!(widens(&format!("{column} = ''"), &greater));
    }
}

#[test]
fn a_fraction_beside_a_cast_to_real_is_another_number_alone_than_in_a_list() {
    // One alone is compared as `double precision`, where no `real` is 0.1.
    assert!(widens(
        "(score * 1)::real in (0.1)",
        "(score * 1)::real in (0.1, 0.1)"
    ));
    assert!(!widens(
        "(score * 1)::real in (0.5)",
        "(score * 1)::real in (0.5, 0.5)"
    ));
}

#[test]
fn a_real_column_is_one_whatever_stands_around_it() {
    for value in [
        "(score)",
        "(select score)",
        "coalesce(score, '1')",
        "nullif((score), '1')",
    ] {
        // Alone 0.1 is a `double precision`, in a list a `real`.
        let alone = format!("{value} = 0.1 or {value} = 5");
        let listed = format!("{value} in (0.1, 5)");
        assert!(widens(&alone, &listed), "{value}");
    }
    let owner = "(select o.score from owners o limit 1)";
    assert!(widens(
        &format!("{owner} = 0.1 or {owner} = 5"),
        &format!("{owner} in (0.1, 5)")
    ));
    let either = "(score) = 0.1::real or (score) = 5";
    assert!(!widens(either, "(score) in (0.1, 5)"));
}

#[test]
fn a_length_is_an_integer_of_texts_alone() {
    for value in [
        "length(edge::path)",
        "length(word)",
        "char_length(spot)",
        "length(short)",
    ] {
        let (old, new) = (format!("{value} >= 2"), format!("{value} > 1"));
        assert!(widens(&old, &new), "{value}");
    }
    for value in [
        "length(status)",
        "length(any_case)",
        "char_length(grade)",
        "octet_length(blob)",
    ] {
        let (old, new) = (format!("{value} >= 2"), format!("{value} > 1"));
        assert!(!widens(&old, &new), "{value}");
    }
}

#[test]
fn small_letters_are_a_text_of_a_text_alone() {
    // One's own of a `varchar` fits that better, and may give an enumeration.
    for value in [
        "lower(short)",
        "lower(status::varchar)",
        "btrim(short, 'x')",
    ] {
        assert!(
            widens(&format!("{value} <> ''"), &format!("{value} > ''")),
            "{value}"
        );
    }
    for value in ["lower(status)", "btrim(status, 'x')"] {
        assert!(
            !widens(&format!("{value} <> ''"), &format!("{value} > ''")),
            "{value}"
        );
    }
}

#[test]
fn the_empty_text_may_equal_another_one_of_a_type_that_is_not_known() {
    let setting = "(select current_setting('app.user', true))";
    for value in [
        "any_case::text",
        "lower(any_case)",
        "(select o.name from owners o limit 1)",
    ] {
        let (old, new) = (
            format!("{value} = {setting} and {value} <> ''"),
            format!("{value} = nullif({setting}, '')"),
        );
        assert!(widens(&old, &new), "{value}");
        assert!(widens(&new, &old), "{value}");
    }
    let of =
        |asked: &str| format!("not shop = any (array(select b.shop from bans b where {asked}))");
    assert!(widens(
        &of(&format!("b.k = nullif({setting}, '')")),
        &of(&format!("b.k = {setting} and b.k <> ''")),
    ));
}

#[test]
fn what_is_read_when_a_policy_is_made_is_another_value_in_each() {
    for asked in [
        "at < 'now'",
        "at < ' NOW '",
        "day = 'today'",
        "day in ('yesterday', '2024-01-01')",
        "day >= date 'tomorrow'",
        "at < cast('now' as timestamptz)",
        "at < 'now'::timestamptz",
        "at < timestamp with time zone '2024-01-01'",
        "at < '2024-01-01'::timestamp with time zone",
        "at < $$now$$",
        "at < E'n\\157w'",
        "coalesce(at, 'now') < now()",
        "shop = any (array(select m.shop from members m where m.at < 'now'))",
        "shop = any (array(select m.shop from members m where m.at < '2024-01-01'))",
        // In the time zone of the session.
        "at > '2024-01-01'",
        "at = '2024-01-01 10:00'",
        "day > '1/2/2024'",
        "at between '2024-01-01' and '2025-01-01 00:00Z'",
    ] {
        assert!(widens(asked, &format!("{asked} and done")), "{asked}");
    }
    assert!(widens("at = '2024-01-01'", "at = '2024-1-1'"));
    for asked in [
        "at > '2024-01-01 00:00Z'",
        "day > '2024-01-01'",
        "status = 'now'",
        "status in ('today', '2024-01-01')",
        "code > 'now'",
        "level = '20240101'",
        "at > now() - interval '7 days'",
        "day = date '2024-01-01'",
        "(select auth.jwt() -> 'now') is null",
        "status ~ '^[0-9]{4}-[0-9]{2}$'",
        "current_setting('app.now', true) = 'x'",
        "shop = any (array(select m.shop from members m where m.level = '2'))",
        "(select '2024-01-01'::text) = status",
    ] {
        assert!(!widens(asked, &format!("{asked} and done")), "{asked}");
    }
}
