//! What looked like nothing, and lets a row through.

use super::{grows_with, told};
use crate::schema::Expr;

/// Whether a change is said to let a row through, or is not decided, which counts as that.
fn widens(old: &str, new: &str) -> bool {
    told(old, new).is_none_or(|(wider, _)| wider.is_some())
}

#[test]
fn a_query_in_brackets_is_not_taken_apart() {
    let bans =
        "(with q as (select b.uid from bans b) select count(*) = 0 from q where q.uid = 'u')";
    let fewer = bans.replace("'u'", "'u' and q.uid <> shop");
    assert!(widens(bans, &fewer));
    let either = "((select true) union select level = 1)";
    assert!(widens("level = 1", either));
    // A word that is a name is no word of the language.
    assert!(widens(
        "level = (select m.end from members m where m.and and m.or limit 1)",
        "level = (select m.end from members m where m.and and m.or limit 1) or done"
    ));
    assert!(widens("done and level = 1 isnull", "level = 1 isnull"));
}

#[test]
fn a_table_is_read_under_every_spelling() {
    for read in ["T_Plain", "T_PLAIN", "\"t_plain\"", "public.T_plain"] {
        let sql = format!("not shop = any (array(select b.shop from {read} b where b.level = 1))");
        assert!(!grows_with(&Expr::new(sql, ["shop"]), "t_plain"), "{read}");
        let sql = format!(
            "shop = any (array(select b.shop from owners b where b.id <> all (array(select p.id from {read} p))))"
        );
        assert!(!grows_with(&Expr::new(sql, ["shop"]), "t_plain"), "{read}");
    }
}

#[test]
fn a_call_of_what_may_be_volatile_is_another_value_each_time() {
    for call in [
        "uuid_generate_v4()",
        "timeofday()",
        "\"random\"()",
        "Random()",
        "pg_catalog.random()",
        "own.lower('a')",
        "clock_timestamp()",
        "(select r from own.numbers(1) r)",
    ] {
        let differ = format!("{call} <> {call}");
        assert!(widens("level = 1 and level = 2", &differ), "{call}");
        assert!(widens(
            &format!("{call} = 'a'"),
            &format!("{call} = 'a' and done")
        ));
    }
    // What hides in a membership.
    let of = |more: &str| format!("shop = any (array(select m.shop from members m where {more}))");
    assert!(widens(
        &of("m.level < random()"),
        &of("m.level < random() and m.active")
    ));
}

#[test]
fn what_is_known_not_to_be_volatile_is_one_value() {
    for call in [
        "now()",
        "lower(status)",
        "\"lower\"(status)",
        "PG_CATALOG.Upper(status)",
        "coalesce(current_setting('app.x', true), '')",
        "cast(status as varchar(3))",
        "status::char(2)",
        "date_trunc('day', now())",
        "(auth.jwt() ->> 'sub')",
        "(select x.a from (values ('a')) as x (a))",
        "case when (done) then (level) end",
    ] {
        let (old, new) = (format!("{call} = '1'"), format!("done and {call} = '1'"));
        let (wider, narrower) = told(&old, &new).expect(call);
        assert!(wider.is_none() && narrower.is_some(), "{call}");
    }
    // What does not change at all is the same, whatever it calls.
    assert_eq!(told("own.f(level)", "own.f(level)"), Some((None, None)));
}
