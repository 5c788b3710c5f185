use super::*;
use crate::schema::TableName;

const COLUMNS: [&str; 3] = ["owner", "email", "Odd"];
const ONLY: &str = "`only` hides which table is read; write the table without it";

fn read(sql: &str) -> Result<Vec<String>, Vec<String>> {
    expression(sql, "note", &COLUMNS).map(|expr| expr.columns.into_iter().collect())
}

#[test]
fn a_blank_before_a_line_break_inside_a_literal_is_told() {
    let error = expression("a <> 'b \nc'", "t", &["a"])
        .unwrap_err()
        .concat();
    assert!(
        error.starts_with("it holds a line ending or trailing blank inside a literal")
            && error.contains("write it as `E'"),
        "{error}"
    );
    assert!(expression("a <> 'b\nc' \n or a = 'c'", "t", &["a"]).is_ok());
}

#[test]
fn columns_are_found_wherever_they_stand() {
    let sql = "owner = (select current_setting('app.x', true)) and \"Odd\" is not null";
    assert_eq!(read(sql), Ok(vec!["Odd".into(), "owner".into()]));
    assert_eq!(read("note.OWNER = 'a'"), Ok(vec!["owner".into()]));
    let member = "exists (select 1 from member m where m.shop = note.owner)";
    assert_eq!(read(member), Ok(vec!["owner".into()]));
}

#[test]
fn a_table_has_the_name_that_postgresql_reads() {
    for (written, schema, name) in [
        ("banned", None, "banned"),
        ("Banned", None, "banned"),
        ("\"Banned\"", None, "Banned"),
        ("\"user\"", None, "user"),
        ("PUBLIC.user", Some("public"), "user"),
        ("\"a.b\".\"c.d\"", Some("a.b"), "c.d"),
        ("\"a.b\"", None, "a.b"),
        ("\"odd\"\"name\"", None, "odd\"name"),
        ("shop.Public.T", Some("public"), "t"),
        ("\u{c9}t\u{c9}", None, "\u{c9}t\u{c9}"),
    ] {
        let read = TableName {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        };
        let sql = format!("exists (select from {written} b where b.a = 1)");
        let expr = expression(&sql, "note", &COLUMNS).expect(written);
        assert_eq!(
            expr.tables.into_iter().collect::<Vec<_>>(),
            [read],
            "{written}"
        );
    }
}

#[test]
fn a_table_may_be_called_only() {
    for sql in [
        "exists (select from \"only\" o where o.a = 1)",
        "exists (select from public.only o where o.a = 1)",
        "exists (select b.a as only from banned b fetch first 1 row only)",
        "exists (select b.a only from banned b, \"only\")",
    ] {
        assert!(read(sql).is_ok(), "{sql}: {:?}", read(sql));
    }
}

#[test]
fn mistakes_are_named() {
    for (sql, message) in [
        (
            "emial = 'x'",
            "no column `emial` on table `note`; a column with a similar name exists: `email`",
        ),
        (
            "owner == 'x'",
            "expected an operand at `==` (character 7); use `=` to compare",
        ),
        (
            "owner = 'x') or (true",
            "expected the end, found `)` (character 12)",
        ),
        (
            "owner = 'x' -- really",
            "a comment does not belong there; remove it",
        ),
        (
            "owner = $1",
            "`$1` is a parameter, and a schema has none; write a constant",
        ),
        (
            "exists (select 1 from member where shop = 'x')",
            "`shop` stands in a subquery without its table; write `table.shop`",
        ),
        (
            "exists (select 1 from member m union (table public.member))",
            "`table` as a query does not show what it reads; write `select` and `from`",
        ),
        ("(select count(*) from only member) = 0", ONLY),
        ("exists (select from shop s join ONLY member on true)", ONLY),
        ("exists (select from only (member))", ONLY),
        (
            "exists (select from only member m where m.shop = 'x')",
            ONLY,
        ),
        ("exists (select from only member as m)", ONLY),
        ("exists (select from only public.member)", ONLY),
        ("exists (select from shop s, only member)", ONLY),
        (
            "exists (select from shop s, lateral (select from (only member cross join shop)) x)",
            ONLY,
        ),
    ] {
        let errors = read(sql).expect_err(sql);
        assert_eq!(errors[0], message, "{sql}");
    }
}

#[test]
fn columns_that_are_not_named_are_refused() {
    for sql in [
        "to_jsonb(note.*) ? 'hidden'",
        "note.* is not null",
        "exists (select m.* from member m where m.shop = note.owner)",
        "(owner::thing).* is null",
    ] {
        let told = read(sql).expect_err(sql).concat();
        assert!(
            told.starts_with("`.*` reads columns without naming them"),
            "{told}"
        );
    }
    for join in ["natural join", "NATURAL LEFT JOIN", "natural inner join"] {
        let sql =
            format!("exists (select 1 from member m {join} shop s where m.shop = note.owner)");
        let told = read(&sql).expect_err(join).concat();
        assert!(told.starts_with("`natural` compares columns"), "{told}");
    }
    for sql in [
        "exists (select * from member m where m.shop = note.owner)",
        "(select count(*) from member m where m.shop = note.owner) * 2 > 4",
        "owner::natural = 'x'",
        "exists (select 1 from member m join \"natural\" on m.shop = note.owner)",
    ] {
        assert!(read(sql).is_ok(), "{sql}: {:?}", read(sql));
    }
}
