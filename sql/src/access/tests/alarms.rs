//! What looked like an open door, and is none.

use super::told;

/// What is said: whether it widens, and whether it narrows.
fn said(old: &str, new: &str) -> Option<(bool, bool)> {
    told(old, new).map(|(wider, narrower)| (wider.is_some(), narrower.is_some()))
}

fn member(of: &str) -> String {
    format!("shop = any (array(select m.shop from members m where {of}))")
}

#[test]
fn a_narrower_membership_is_false_wherever_the_wider_one_is() {
    let (few, all) = (member("m.level = 1 and m.active"), member("m.level = 1"));
    assert_eq!(said(&all, &few), Some((false, true)));
    assert_eq!(
        said(&format!("not ({few})"), &format!("not ({all})")),
        Some((false, true))
    );
    assert_eq!(
        said(&format!("not ({all})"), &format!("not ({few})")),
        Some((true, false))
    );
}

#[test]
fn one_condition_more_is_narrower_whatever_compares() {
    for condition in [
        "word = 'a'",
        "any_case < 'm'",
        "spot = '(1,1),(0,0)'",
        "at > now() - interval '1 day' and at < current_timestamp",
        "(select o.grade from owners o limit 1) in ('a', 'b')",
    ] {
        let more = format!("{condition} and done");
        assert_eq!(said(condition, &more), Some((false, true)), "{condition}");
        assert_eq!(said(&more, condition), Some((true, false)), "{condition}");
    }
    for (many, few) in [
        ("word in ('a', 'b')", "word = 'a'"),
        ("any_case in ('a', 'b') or done", "any_case = 'a'"),
    ] {
        assert_eq!(said(many, few), Some((false, true)), "{many}");
        assert_eq!(said(few, many), Some((true, false)), "{many}");
    }
}

#[test]
fn what_the_rows_of_a_membership_are_called_is_no_difference() {
    let one = "shop = any (array(select m.shop from public.members m join owners o on o.id = m.id where m.level = 1))";
    let other = "shop = any (array(select n.shop from public.members as n join owners p on p.id = n.id where n.level = 1))";
    assert_eq!(said(one, other), Some((false, false)));
    let (one_more, itself) = (
        "shop = any (array(select members.shop from members where members.level = 1))",
        "shop = any (array(select members.shop from members members where members.level = 1))",
    );
    assert_eq!(said(one_more, itself), Some((false, false)));
    assert_eq!(said(one_more, &member("m.level = 1")), Some((false, false)));
    let fewer = other.replace("= 1", "= 1 and p.active");
    assert_eq!(said(one, &fewer), Some((false, true)));
    // Another row, another table, another schema.
    for (old, new) in [
        (
            "shop = any (array(select members.shop from members where members.level = 1))",
            "shop = any (array(select owners.shop from owners where owners.level = 1))",
        ),
        (
            "shop = any (array(select m.shop from members m join owners o on o.id = m.id where m.level = 1))",
            "shop = any (array(select n.shop from members n join owners o on o.id = n.id where o.level = 1))",
        ),
        (
            "shop = any (array(select m.shop from members m where m.a in (select m.b from owners m)))",
            "shop = any (array(select n.shop from members n where n.a in (select n.b from owners m)))",
        ),
        (
            "shop = any (array(select m.shop from members m where m.shop = n.shop))",
            "shop = any (array(select n.shop from members n where n.shop = n.shop))",
        ),
        (
            "shop = any (array(select a.shop from members a where a.x in (select o.x from a.owners o)))",
            "shop = any (array(select b.shop from members b where b.x in (select o.x from b.owners o)))",
        ),
        // Where a schema is called like the rows, or a table there that another query reads.
        (
            "shop = any (array(select b.shop from bans b where exists (select 1 from public.b where b.id = 1)))",
            "shop = any (array(select c.shop from bans c where exists (select 1 from public.b where c.id = 1)))",
        ),
        (
            "shop = any (array(select b.shop from bans b where b.id in (select b.id from own . b)))",
            "shop = any (array(select c.shop from bans c where c.id in (select c.id from own . b)))",
        ),
        (
            "shop = any (array(select auth.shop from members auth where auth.id = auth.uid()))",
            "shop = any (array(select n.shop from members n where n.id = auth.uid()))",
        ),
    ] {
        assert_ne!(said(old, new).map(|it| it.0), Some(false), "{old} → {new}");
    }
}

#[test]
fn the_conditions_of_a_membership_are_what_they_mean() {
    for (narrow, wide) in [
        ("m.level >= 5", "m.level >= 3"),
        (
            "m.level = 4 and m.active",
            "m.active = true and m.level > 3",
        ),
        ("m.level in (1, 2)", "m.level in (1, 2, 3)"),
        ("m.level = 4", "m.level <> 5"),
        ("m.role = 'admin'", "m.role in ('admin', 'owner')"),
        (
            "m.role in ('owner', 'admin')",
            "m.role in ('admin', 'owner', 'guest')",
        ),
    ] {
        let (narrow, wide) = (member(narrow), member(wide));
        assert_eq!(said(&wide, &narrow), Some((false, true)), "{narrow}");
        assert_eq!(said(&narrow, &wide), Some((true, false)), "{narrow}");
    }
    // Two texts may be one value of a type that is not known.
    let (guest, admin) = (member("m.role <> 'guest'"), member("m.role = 'admin'"));
    assert_eq!(said(&guest, &admin), Some((true, true)));
}

#[test]
fn days_and_moments_have_the_order_of_their_values() {
    for (narrow, wide) in [
        (
            "at > '2024-02-01' and at < now()",
            "at > '2024-1-1' and at < now()",
        ),
        (
            "day > '2024-02-01' and day < '2025-01-01'",
            "day > '2024-01-01' and day < '2025-01-01'",
        ),
        ("day in ('2024-02-01')", "day in ('2024-01-01', '2024-2-1')"),
        ("shop > 'b' and level = 1", "shop > 'b'"),
    ] {
        assert_eq!(said(wide, narrow), Some((false, true)), "{narrow}");
        assert_eq!(said(narrow, wide), Some((true, false)), "{narrow}");
    }
    for (old, new) in [
        ("at = '2024-01-01 00:00Z'", "at = '2024-1-1 01:00+01'"),
        (
            "day < '2024-01-01' or day = '20240101'",
            "day <= '2024-1-1'",
        ),
    ] {
        assert_eq!(said(old, new), Some((false, false)), "{old}");
    }
}

#[test]
fn texts_have_the_order_of_their_bytes_where_a_collation_compares_those() {
    for (narrow, wide) in [
        ("code > 'b'", "code > 'B'"),
        ("code >= 'b' and level = 1", "code > 'a'"),
        ("code < 'B' and code > ''", "code < 'a' and code > ''"),
        ("code > 'b'", "code > ''"),
        ("code = 'a'", "code <> 'A'"),
        ("(code) > 'b'", "(code) > 'B'"),
    ] {
        assert_eq!(said(wide, narrow), Some((false, true)), "{wide} → {narrow}");
        assert_eq!(said(narrow, wide), Some((true, false)), "{narrow} → {wide}");
    }
    // Another collation may be named, or be that of what it is compared with.
    for (old, new) in [
        (
            "code > 'B' collate \"en-x-icu\"",
            "code > 'b' collate \"en-x-icu\"",
        ),
        (
            "code collate \"en-x-icu\" > 'B'",
            "code collate \"en-x-icu\" > 'b'",
        ),
        ("code::text > 'B'", "code::text > 'b'"),
        ("any_case > 'B'", "any_case > 'b'"),
        ("shop > 'B'", "shop > 'b'"),
        ("code > 'B' and code < shop", "code > 'b' and code < shop"),
    ] {
        assert_ne!(said(old, new).map(|it| it.0), Some(false), "{old} → {new}");
    }
}

#[test]
fn a_range_is_what_stands_between_its_ends() {
    for (narrow, wide) in [
        ("level between 2 and 3", "level >= 1"),
        ("level between 2 and 3", "level between 1 and 3"),
        ("level between 2 and 3 and done", "level BETWEEN 2 AND 3"),
        ("level = 4", "level not between 1 and 3 or done"),
        (
            "done and not level between 1 and 3",
            "level < 1 or level > 3",
        ),
        (
            "at between '2024-01-01' and now() and done",
            "at >= '2023-12-01'",
        ),
        ("code between 'B' and 'a'", "code >= 'A'"),
        ("level between top and 3", "level >= top"),
        (
            "(level between 2 and 3 and done)",
            "(level) between 2 and 3 or (level between 2 and 3)",
        ),
    ] {
        assert_eq!(said(wide, narrow), Some((false, true)), "{wide} → {narrow}");
        assert_eq!(said(narrow, wide), Some((true, false)), "{narrow} → {wide}");
    }
    assert_eq!(
        said("level between -1 and 3", "level >= -1 and level <= 3"),
        Some((false, false))
    );
    // What binds otherwise, or is not known to be one operand.
    for other in [
        "level between symmetric 3 and 1",
        "level between 1 and 3 = done",
        "level between 1 and 3 is not true",
        "level between 1 and own.most()",
        "level + 1 between 1 and 3",
        "spot between edge and edge",
        "level between 1",
        "level between 1 and",
        "between 1 and 2",
        "level = 1 between 1 and 2",
    ] {
        assert_eq!(said(other, "level = 2"), None, "{other}");
        assert_eq!(said("level = 2", other), None, "{other}");
    }
}
