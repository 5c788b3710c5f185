//! What looked like nothing, and lets a row through.

use super::{difference, grows_with, schema, table, told, widens};
use crate::schema::{Expr, QualifiedName, Schema};

#[test]
fn a_clause_that_is_not_there_lets_everything_through() {
    let table = table();
    let own = Expr::new("level = 1", ["level"]);
    let schema = Schema::default();
    let found = difference((Some(&own), &table, &schema), (None, &table, &schema));
    let found = found.expect("it is told");
    assert_eq!(found.wider.as_deref(), Some("the row (level = 2)"));
    assert_eq!(found.narrower, None);
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
fn the_rows_of_a_membership_are_not_those_of_the_one_around_it() {
    let within = |condition: &str| {
        format!(
            "shop = any (array(select m.shop from members m where m.id = any (array(select o.id from owners o where \
             {condition}))))"
        )
    };
    assert!(widens(&within("o.level = 1"), &within("m.level = 1")));
}

/// `row.name` is a call of a function of that name where there is no such column, of an aggregate too
/// (<https://www.postgresql.org/docs/15/rowtypes.html#ROWTYPES-USAGE>).
#[test]
fn what_may_count_rows_is_no_membership() {
    let of = |selected: &str, asked: &str| {
        format!(
            "shop = any (array(select {selected} from public.members m where m.level = 1{asked}))"
        )
    };
    let grows = |sql: &str, schemas| grows_with(&Expr::new(sql, ["shop"]), "members", schemas);
    let (all, none) = (schema(), Schema::default());
    for selected in [
        "m.count",
        "m.array_agg",
        "m.\"Shop\"",
        "public.m.shop",
        "b.shop",
    ] {
        let (few, many) = (of(selected, " and m.active"), of(selected, ""));
        assert!(
            widens(&format!("not {few}"), &format!("not {many}")) && widens(&many, &few),
            "{selected}"
        );
        assert!(!grows(&many, [&all, &all]), "{selected}");
    }
    for selected in ["m.shop", "m.SHOP", "\"m\".\"shop\"", "shop", "count"] {
        let (few, many) = (of(selected, " and m.active"), of(selected, ""));
        assert!(!widens(&many, &few), "{selected}");
        assert!(grows(&many, [&all, &all]), "{selected}");
    }
    // A column that is not there on both sides, or in a table that nobody knows.
    let known = of("m.shop", "");
    assert!(grows(&of("shop", ""), [&none, &none]));
    assert!(!grows(&known, [&none, &none]));
    let mut without = schema();
    let of_public = QualifiedName::new("public", "members");
    let table = without.tables.get_mut(&of_public).expect("it is there");
    table.columns.retain(|column| column.name != "shop");
    assert!(!grows(&known, [&without, &all]) && !grows(&known, [&all, &without]));
    assert!(grows(&known, [&none, &all]) && grows(&known, [&all, &none]));
}

#[test]
fn a_table_is_read_under_every_spelling() {
    for read in ["T_Plain", "T_PLAIN", "\"t_plain\"", "public.T_plain"] {
        let sql = format!("not shop = any (array(select b.shop from {read} b where b.level = 1))");
        assert!(
            !grows_with(&Expr::new(sql, ["shop"]), "t_plain", [&schema(), &schema()]),
            "{read}"
        );
        let sql = format!(
            "shop = any (array(select b.shop from owners b where b.id <> all (array(select p.id from {read} p))))"
        );
        assert!(
            !grows_with(&Expr::new(sql, ["shop"]), "t_plain", [&schema(), &schema()]),
            "{read}"
        );
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

#[test]
fn rows_and_what_else_may_have_no_order_are_not_put_in_one() {
    for (less, greater, differ) in [
        (
            "(level, top) < (1, 2)",
            "(level, top) > (1, 2)",
            "(level, top) <> (1, 2)",
        ),
        (
            "row(level) < row(top)",
            "row(level) > row(top)",
            "row(level) <> row(top)",
        ),
        ("spot < edge", "spot > edge", "spot <> edge"),
    ] {
        assert!(widens(&format!("{less} or {greater}"), differ), "{differ}");
    }
    // Boxes that equal a third one may still differ.
    let both = "spot = '(1,1),(0,0)' and edge = '(1,1),(0,0)'";
    assert!(widens(&format!("{both} and spot = edge"), both));
    // What has an order is put in one.
    for (less, more, either) in [
        (
            "length(status) < level",
            "length(status) = level",
            "length(status) <= level",
        ),
        ("at < now()", "at = current_timestamp", "at <= now()"),
        (
            "at < now() - interval '1 day'",
            "at = now() - interval '1 day'",
            "at <= now() - interval '1 day'",
        ),
    ] {
        let (wider, _) = told(either, &format!("{less} or {more}")).expect(either);
        assert_eq!(
            wider.is_some(),
            either.contains("at <= now()") && more.contains("current")
        );
    }
}

#[test]
fn a_collation_may_make_of_two_texts_one_or_order_them_otherwise() {
    for (both, third) in [
        (
            "shop < 'm' collate \"en-x-icu\" and owner > 'm' collate \"en-x-icu\"",
            "shop < owner",
        ),
        (
            "shop = 'x' collate \"ci\" and owner = 'x' collate \"ci\"",
            "shop = owner",
        ),
        (
            "shop = any_case::text and owner = any_case::text",
            "shop = owner",
        ),
        (
            "shop = (any_case)::text and owner = (any_case)::text",
            "shop = owner",
        ),
        (
            "shop = lower(any_case) and owner = lower(any_case)",
            "shop = owner",
        ),
        (
            "shop = (select w.word from words w) and owner = (select w.word from words w)",
            "shop = owner",
        ),
        ("any_case::text = 'open'", "any_case::text <> 'OPEN'"),
        ("upper(any_case) = 'open'", "upper(any_case) <> 'OPEN'"),
    ] {
        assert!(widens(&format!("{both} and {third}"), both), "{both}");
    }
    // The database's own tells texts apart.
    for (value, other) in [
        ("(auth.jwt() ->> 'sub')", "lower(status)"),
        (
            "(select auth.jwt() -> 'app_metadata' ->> 'org')",
            "coalesce(status, '')",
        ),
        ("level::text", "status::varchar"),
    ] {
        let old = format!("shop = {value} and owner = {value} and second = {other}");
        let (wider, narrower) = told(&format!("{old} and shop = owner"), &old).expect(value);
        assert_eq!((wider, narrower), (None, None), "{value}");
    }
}

#[test]
fn what_may_be_volatile_under_a_known_name_is_another_value_in_one_predicate() {
    for value in [
        // An overload of one's own, which fits better.
        "abs(shop)",
        "lower(grade)",
        "concat(shop, owner)",
        "current_setting(shop, owner)",
        // A function as an attribute, of another row and of this one.
        "(select b.rnd from bans b where b.kind = 'one')",
        "notes.rnd",
        "notes.date",
        // A view.
        "(select r.x from rnd r)",
        "(select x from rnd)",
        "(select x from (select 1) setting, given)",
        "(select given from (select 1) setting, date)",
        "(SELECT given FROM given)",
        "(table rnd)",
        // A type, a cast, an operator.
        "shop::rndt",
        "shop::own.text",
        "shop::status",
        "cast(shop as status)",
        "(select 1 from (select 1) setting, status)",
        "cast(shop as rndt)",
        "(level #!# 1)",
        "(shop + owner)",
        "(shop -> 'x')",
        "(current_setting('app.x', true) -> 'x')",
        "(spot::text)",
    ] {
        let differ = format!("{value} <> {value}");
        assert!(widens("level = 1 and level = 2", &differ), "{value}");
        // Of what a change leaves alone nothing is said.
        let narrower = format!("{differ} and done");
        assert!(!widens(&differ, &narrower), "{narrower}");
    }
    let of = |more: &str| format!("shop = any (array(select m.shop from rnd m where {more}))");
    let both = format!("{} and not {}", of("m.a = 1"), of("m.a = 1"));
    assert!(widens("level = 1 and level = 2", &both));
    assert!(widens(&of("m.a = 1 and m.a = 2"), &of("m.rnd <> m.rnd")));
}

#[test]
fn what_is_written_for_a_scope_is_one_value_in_all_places() {
    let user = "(select current_setting('app.user', true))";
    let role = "(select case when given in ('a', 'b') then given end from (select current_setting('app.role', true) as \
                given) setting)";
    let id = "(select case when given like '________-____-____-____-____________' and given ~ '^[0-9a-fA-F-]+$' and \
              given not like '%-%-%-%-%-%' then given::uuid end from (select current_setting('app.id', true) as given) \
              setting)";
    let number = "(select case when length(given) <= 20 and given ~ '^-?[0-9]+$' then case when given::numeric between \
                  '-9'::numeric and '9'::numeric then given::bigint end end from (select (select auth.jwt()) ->> \
                  'n'::text as given offset 0) setting)";
    let claim = "(select case when jsonb_typeof(given) = 'string' and given #>> '{}'::text[] in ('a', 'b') then given \
                 #>> '{}'::text[] end from (select (select auth.jwt()) -> 'app_metadata'::text -> 'org'::text as given \
                 offset 0) setting)";
    for value in [
        user,
        role,
        id,
        number,
        claim,
        super::CLAIM,
        "(select auth.uid())",
        "now()",
        "(now() - interval '1 day')",
        "(auth.jwt() ->> 'sub')",
        "level::text",
        "lower(shop)",
        "coalesce(shop, '')",
        "notes.level",
    ] {
        let sql = format!("{value} <> {value}");
        let (wider, _) = told("level = 1 and level = 2", &sql).expect(value);
        assert_eq!(wider, None, "{value}");
    }
}
