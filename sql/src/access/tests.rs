mod alarms;
mod hidden;
mod literals;
mod members;
mod undecided;

use super::*;
use crate::schema::{QualifiedName, Type};

fn table() -> Table {
    let mut table = Table::new("shop::Note");
    let column = |name: &str, ty, nullable| {
        let mut column = Column::new(name, ty);
        column.nullable = nullable;
        column
    };
    table.columns = vec![
        column("shop", Type::Text, false),
        column("status", Type::Text, true),
        column("level", Type::Int4, false),
        column("top", Type::Int8, false),
        column("done", Type::Bool, false),
        column("price", Type::Numeric(Some((10, 2))), false),
        column("share", Type::Float8, false),
        column("at", Type::Timestamptz(None), true),
        column("word", Type::Named("citext".to_owned()), false),
        column("grade", Type::Char(2), false),
        column("score", Type::Float4, false),
        column("owner", Type::Text, false),
        column("second", Type::Text, true),
        column("third", Type::Text, true),
        column("day", Type::Date, true),
        column("spot", Type::Named("box".to_owned()), false),
        column("edge", Type::Named("box".to_owned()), false),
        column("short", Type::Varchar(None), true),
        column("blob", Type::Bytea, true),
        Column {
            collation: Some("any_case".to_owned()),
            ..column("any_case", Type::Text, false)
        },
        Column {
            collation: Some("C".to_owned()),
            ..column("code", Type::Text, false)
        },
    ];
    table
}

/// What memberships read.
fn schema() -> Schema {
    let tables = ["members", "owners", "bans"].map(|name| {
        let columns = [
            Column::new("shop", Type::Text),
            Column::new("level", Type::Int4),
        ];
        let table = Table {
            columns: columns.into(),
            ..Table::new("shop::Other")
        };
        (QualifiedName::new("public", name), table)
    });
    Schema {
        tables: tables.into(),
        ..Schema::default()
    }
}

fn found(old: &str, new: &str) -> Result<Difference, Undecided> {
    let table = table();
    let expr = |sql: &str| {
        let read = table.columns.iter().map(|column| column.name.clone());
        Expr::new(sql, read.filter(|name| sql.contains(name.as_str())))
    };
    let (old, new, schema) = (expr(old), expr(new), schema());
    difference((Some(&old), &table, &schema), (Some(&new), &table, &schema))
}

fn told(old: &str, new: &str) -> Option<(Option<String>, Option<String>)> {
    let found = found(old, new).ok()?;
    Some((found.wider, found.narrower))
}

/// Whether a change is said to let a row through, or is not decided, which counts as that.
fn widens(old: &str, new: &str) -> bool {
    told(old, new).is_none_or(|(wider, _)| wider.is_some())
}

const MEMBER: &str = "shop = any (array(select m.shop from members m where m.level = 1))";
const CLAIM: &str = "(select case when jsonb_typeof(given) = 'string' then given #>> '{}'::text[] end from \
                     (select (select auth.jwt()) -> 'app_metadata'::text -> 'org'::text as given offset 0) setting)";
const OWN: &str = "shop = (select current_setting('app.shop', true)) and shop > ''";

#[test]
fn what_only_one_of_two_lets_through_is_found() {
    let own = |more: &str| format!("{OWN} {more}");
    for (old, new, wider, narrower) in [
        // Nothing but another way to say it.
        (
            OWN.to_owned(),
            "shop = nullif((select current_setting('app.shop', true)), '')".to_owned(),
            "",
            "",
        ),
        ("level > 0".to_owned(), "level >= 1".to_owned(), "", ""),
        (
            "status in ('a', 'b')".to_owned(),
            "status = 'b' or status = 'a'".to_owned(),
            "",
            "",
        ),
        (
            "not (status is null)".to_owned(),
            "status is not null".to_owned(),
            "",
            "",
        ),
        ("done = false".to_owned(), "not done".to_owned(), "", ""),
        // Narrower.
        (
            OWN.to_owned(),
            own("and status = 'open'"),
            "",
            "the row (shop = A, status = B) for (app.shop = A)",
        ),
        (
            "level > 0".to_owned(),
            "level > 5".to_owned(),
            "",
            "the row (level = 5)",
        ),
        (
            "price < 10.5".to_owned(),
            "price < 9.25 and price > -0.5".to_owned(),
            "",
            "the row (price = -0.5)",
        ),
        (
            "price <= 10.50".to_owned(),
            "price <= 10.5".to_owned(),
            "",
            "",
        ),
        ("level < 2.5".to_owned(), "level < 2.50".to_owned(), "", ""),
        (
            MEMBER.to_owned(),
            format!(
                "{}))",
                MEMBER.trim_end_matches("))").to_owned() + " and m.active = true"
            ),
            "",
            "any row for (shop = any(array(select m.shop from members m where m.level = 1 and m.active = true)) = \
             false, shop = any(array(select m.shop from members m where m.level = 1)) = true)",
        ),
        (
            format!("shop = {CLAIM} and shop > ''"),
            format!("shop = {CLAIM} and shop > '' and level = 1"),
            "",
            "the row (level = 2, shop = A) for (app_metadata.org = A)",
        ),
        // Wider.
        (
            own("and not done"),
            OWN.to_owned(),
            "the row (done = true, shop = A) for (app.shop = A)",
            "",
        ),
        (
            "shop = (select current_setting('app.shop', true))".to_owned(),
            OWN.to_owned(),
            "",
            "the row (shop = '') for (app.shop = '')",
        ),
        (
            OWN.to_owned(),
            "true".to_owned(),
            "the row (shop = B) for (app.shop = A)",
            "",
        ),
        (
            "at < now()".to_owned(),
            "at < now() or at is null".to_owned(),
            "the row (at is null) for (now() = A)",
            "",
        ),
        // Both.
        (
            "status = 'a'".to_owned(),
            "status = 'b'".to_owned(),
            "the row (status = 'b')",
            "the row (status = 'a')",
        ),
        (
            "level < top".to_owned(),
            "level > top".to_owned(),
            "the row (level = B, top = A)",
            "the row (level = A, top = B)",
        ),
        // A negation of what is NULL lets nothing through.
        (
            "status <> 'a'".to_owned(),
            "status <> 'a' or status is null".to_owned(),
            "the row (status is null)",
            "",
        ),
        // Of what is not taken apart, the same text is the same.
        (
            "shop = any (array(select m.shop from members m where m.level = 1)) and level = 1"
                .to_owned(),
            "shop = any (array(select m.shop from members m where m.level = 1))".to_owned(),
            "the row (level = 2) for (shop = any(array(select m.shop from members m where m.level = 1)) = true)",
            "",
        ),
    ] {
        let (found_wider, found_narrower) = told(&old, &new).expect(&old);
        assert_eq!(found_wider.unwrap_or_default(), wider, "{old} → {new}");
        assert_eq!(
            found_narrower.unwrap_or_default(),
            narrower,
            "{old} → {new}"
        );
        // The other way round it is the other way round.
        let (back_wider, back_narrower) = told(&new, &old).expect(&old);
        assert_eq!(back_wider.is_some(), !narrower.is_empty(), "{new} → {old}");
        assert_eq!(back_narrower.is_some(), !wider.is_empty(), "{new} → {old}");
    }
}

#[test]
fn what_logic_does_not_tell_is_left_open() {
    for (old, new) in [
        // Two spellings may be one value of such a type.
        ("word = 'a'", "word = 'A'"),
        ("at = '2024-01-01'", "at = 'today'"),
        ("at < '2024-03-31 02:30'", "at < '2024-03-31 02:45'"),
        ("at > '2024-03-30 23:30'", "at > '2024-03-31 00:15'"),
        // The order of texts is the collation's.
        ("status < 'a'", "status < 'B'"),
        ("status > 'i'", "status > 'x'"),
        ("any_case < 'a'", "any_case < 'b'"),
        (
            "cast(status as integer) = '1' and cast(status as integer) <> '01'",
            "level = 1",
        ),
        ("length(status) in ('1', '01')", "level = 1"),
        ("status::real in (16777216, 16777217)", "level = 1"),
        (
            "level = length(status) and length(status) = '01'",
            "level = 1",
        ),
        (
            "grade = (select current_setting('app.x', true)) and grade <> ' '",
            "grade = 'a'",
        ),
        ("random() < level", "level > 0"),
        ("level = 1", "level = 'x"),
        ("(level = 1", "level = 1"),
        ("", "level = 1"),
    ] {
        assert_eq!(told(old, new), None, "{old} → {new}");
        assert_eq!(told(new, old), None, "{new} → {old}");
    }
    // A row is NULL or not, or in part.
    let (wider, narrower) = told(
        "(level, status) is null",
        "not ((level, status) is not null)",
    )
    .expect("it is told");
    assert!(wider.is_some() && narrower.is_some());
    // Members of one kind, and of another; rows of one table, and of another.
    let of = |table: &str, condition: &str| {
        format!("shop = any (array(select m.shop from {table} m where {condition}))")
    };
    for (old, new) in [
        (of("members", "m.level = 1"), of("members", "m.level = 2")),
        (
            of("members", "m.level = 1"),
            of("owners", "m.level = 1 and m.active"),
        ),
        (
            of("members", "m.level = 1"),
            of("members", "m.level = 1 or m.active"),
        ),
        (
            of("members", "m.level = 1 and (m.a or m.b)"),
            of("members", "m.level = 1 and (m.a or m.c)"),
        ),
        // An `and` that joins no conditions.
        (
            of("members", "m.a between 0 and 2 and m.b between 1 and 5"),
            of("members", "m.a between 0 and 5 and m.b between 1 and 2"),
        ),
        // A row less is another number, or one that is no longer taken away.
        (
            "0 = any (array(select count(*) from members m where m.level = 1))".to_owned(),
            "0 = any (array(select count(*) from members m where m.level = 1 and m.active))"
                .to_owned(),
        ),
        (
            "'b' = any (array(select max(m.shop) from members m where m.level = 1))".to_owned(),
            "'b' = any (array(select max(m.shop) from members m where m.level = 1 and m.active))"
                .to_owned(),
        ),
        (
            of(
                "members",
                "m.level = 1 except select o.shop from owners o where o.level = 1",
            ),
            of(
                "members",
                "m.level = 1 except select o.shop from owners o where o.level = 1 and o.active",
            ),
        ),
        (
            of("members", "m.level = 1 having (true)"),
            of("members", "m.level = 1 and m.active having (true)"),
        ),
        (
            of("members", "m.level = 1 limit 1"),
            of("members", "m.level = 1 and m.active limit 1"),
        ),
        (
            format!("status is distinct from {}", of("members", "m.level = 1")),
            format!(
                "status is distinct from {}",
                of("members", "m.level = 1 and m.active")
            ),
        ),
    ] {
        let (wider, narrower) = told(&old, &new).expect("it is told");
        assert!(wider.is_some() && narrower.is_some(), "{old} → {new}");
    }
    // A cast column: it may be anything, and so may the text that it is compared with.
    let (wider, narrower) = told("level::text = '1'", "level = 1").expect("it is told");
    assert!(wider.is_some() && narrower.is_some());
}

#[test]
fn a_long_predicate_with_one_condition_more_is_narrower() {
    let user = "(select current_setting('app.user', true))";
    let own = format!(
        "{OWN} and (owner = {user} and owner > '' or second = {user} and second > '' or third = {user} and \
         third <> '') and status in ('open', 'closed', 'gone')"
    );
    let (wider, narrower) = told(&own, &format!("{own} and not done")).expect("it is told");
    assert_eq!(wider, None);
    let narrower = narrower.expect("a row");
    assert!(narrower.contains("done = true"), "{narrower}");
    let (wider, narrower) = told(&format!("{own} and not done"), &own).expect("it is told");
    assert!(wider.is_some() && narrower.is_none());
}

#[test]
fn more_rows_of_a_table_make_true_what_is_plainly_a_membership() {
    let grows = |sql: &str| {
        let expr = Expr::new(sql, ["shop"]);
        grows_with(&expr, "members", [&schema(), &schema()])
    };
    for sql in [
        MEMBER,
        "level > 0 and (shop = any (array(select m.shop from public.members m)) or level = 2)",
        "shop = any (array(select m.shop from owners o join members m on m.id = o.id where o.level = 1))",
        "not (level = any (array(select o.level from owners o where o.shop = 'x')))",
    ] {
        assert!(grows(sql), "{sql}");
    }
    for sql in [
        &*format!("not {MEMBER}"),
        &*format!("({MEMBER}) is not true"),
        "0 = any (array(select count(*) from members m where m.level = 1))",
        "not exists (select from public.members m where m.shop = shop)",
        "shop = any (array(select o.shop from owners o left join members m on m.id = o.id where m.id is null))",
        "shop = any (array(select o.shop from owners o where not (o.id in (select m.id from \"members\" m))))",
        "shop = any (array(select o.shop from owners o where (select count(*) from members) = 0))",
        "level = (select max(m.level) from members m)",
    ] {
        assert!(!grows(sql), "{sql}");
    }
}

#[test]
fn a_setting_of_an_enumeration_is_one_setting_whatever_its_variants_are() {
    let role = |texts: &str| {
        format!(
            "(select case when given in ({texts}) then given end from (select current_setting('app.role', true) as \
             given) setting)"
        )
    };
    let (many, few) = (role("'owner', 'admin', 'guest'"), role("'owner', 'admin'"));
    let row = "any row for (app.role = 'owner')";
    let found = told(&format!("{many} <> 'guest'"), &format!("{few} = 'admin'"));
    assert_eq!(found, Some((None, Some(row.to_owned()))));
    let found = told(&format!("{few} = 'admin'"), &format!("{many} <> 'guest'"));
    assert_eq!(found, Some((Some(row.to_owned()), None)));
    // Without the variant nobody is anybody else.
    let found = told(&format!("{many} <> 'guest'"), &format!("{few} <> 'guest'"));
    assert_eq!(found, Some((None, None)));
    // What is none of the texts is NULL, and not the opposite.
    let found = told(
        &format!("{few} = 'admin'"),
        &format!("not ({few} <> 'admin')"),
    );
    assert_eq!(found, Some((None, None)));
    let found = told(&format!("{few} is null"), &format!("{many} is null"));
    let guest = "any row for (app.role = 'guest')";
    assert_eq!(found, Some((None, Some(guest.to_owned()))));
    let (wider, narrower) =
        told(&format!("status = {few}"), &format!("status = {many}")).expect("it is told");
    assert!(wider.is_some_and(|row| row.contains("status = 'guest'")) && narrower.is_none());
    // Another setting is another one.
    let other = many.replace("app.role", "app.rank");
    let (wider, narrower) =
        told(&format!("{many} = 'admin'"), &format!("{other} = 'admin'")).expect("it is told");
    assert!(wider.is_some() && narrower.is_some());
}
