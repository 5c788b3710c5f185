//! Why nothing is told of a change.

use super::*;

fn why(old: &str, new: &str) -> String {
    let undecided = found(old, new).expect_err("it is not told");
    undecided.to_string()
}

#[test]
fn what_is_not_decided_says_why() {
    for (sql, reason) in [
        ("level between symmetric 1 and 3", "`between`"),
        ("level between 1 and own.most()", "`between`"),
        ("level = 1 and (done", "its brackets, quotes or operators"),
        ("shop = 'x", "its brackets, quotes or operators"),
        (
            "level = (select m.end from members m)",
            "a name like the key word end",
        ),
        ("status < 'a' and status < 'B'", "how status compares"),
        (
            "shop < 'a' and owner > 'B' and shop = owner",
            "how owner, shop compare",
        ),
        (
            "status::real in (16777216, 16777217)",
            "how status::real compares",
        ),
        ("", "what it reads is renamed"),
    ] {
        let reason = format!("not decided: {reason}");
        assert_eq!(why(sql, "level = 1"), reason, "{sql}");
        assert_eq!(why("level = 1", sql), reason, "{sql}");
    }
    for (call, name) in [
        ("tenants.mine()", "tenants.mine()"),
        ("\"Own\" . \"mine\" (level, 'secret')", "\"Own\".\"mine\"()"),
        ("random() < 1", "random()"),
        (
            "exists (select 1 from members m where own.sees(m.id))",
            "own.sees()",
        ),
        (
            "shop = any (array(select m.shop from members m where m.at > clock_timestamp()))",
            "clock_timestamp()",
        ),
    ] {
        let found = why(call, &format!("{call} and done"));
        assert_eq!(found, format!("not decided: it calls {name}"));
    }
}

/// Of eight pigeons in seven holes two share one, which only the trial of all tells.
#[test]
fn what_takes_too_many_trials_is_not_decided() {
    let is_in = |pigeon: usize, hole: usize| {
        format!("(select current_setting('app.x{pigeon}{hole}', true)) = 'y'")
    };
    let anywhere = |pigeon| (0..7).map(move |hole| is_in(pigeon, hole));
    let everyone =
        (0..8).map(|pigeon| format!("({})", anywhere(pigeon).collect::<Vec<_>>().join(" or ")));
    let shared = (0..7).flat_map(|hole| {
        let pairs = (0..8).flat_map(|one| (0..one).map(move |other| (one, other)));
        pairs.map(move |(one, other)| format!("{} and {}", is_in(one, hole), is_in(other, hole)))
    });
    let everyone = everyone.collect::<Vec<_>>().join(" and ");
    let shared = shared.collect::<Vec<_>>().join(" or ");
    assert_eq!(
        why(&shared, &everyone),
        "not decided: there are too many values"
    );
}

#[test]
fn a_column_that_is_another_one_is_named() {
    let (notes, schema, mut other) = (table(), Schema::default(), table());
    other.columns[1].ty = Type::Varchar(None);
    let (old, new) = (
        Expr::new("status = 'a'", ["status"]),
        Expr::new("status = 'b'", ["status"]),
    );
    let found = difference((Some(&old), &notes, &schema), (Some(&new), &other, &schema));
    let reason = found.expect_err("it is not told").to_string();
    assert_eq!(
        reason,
        "not decided: column status is another one than before"
    );
}

#[test]
fn what_is_read_otherwise_and_not_here_is_named_beside_the_row() {
    let exists = |of: &str| format!("exists (select 1 from members m where {of})");
    let wider = |old: &str, new: &str| found(old, new).ok().and_then(|it| it.wider).expect(new);
    for (old, new, reason) in [
        (
            exists("m.a = 1"),
            exists("m.a = 1 and m.b"),
            "`exists (select …)`",
        ),
        (
            "(select bool_or(m.a) from members m)".to_owned(),
            "(select bool_or(m.a) from members m where m.b)".to_owned(),
            "`(select …)`",
        ),
        (
            "own.sees(shop)".to_owned(),
            "own.looks(shop)".to_owned(),
            "it calls own.looks()",
        ),
    ] {
        let told = wider(&old, &new);
        assert!(
            told.ends_with(&format!("), not decided: {reason}")),
            "{told}"
        );
    }
    // What is read by one alone, or alike by both, is what it says.
    let seen = exists("m.a = 1");
    for (old, new) in [
        ("level = 1".to_owned(), seen.clone()),
        (format!("{seen} and level = 1"), seen.clone()),
        (MEMBER.to_owned(), MEMBER.replace("= 1", "= 2")),
    ] {
        let told = wider(&old, &new);
        assert!(!told.contains("not decided"), "{told}");
    }
}
