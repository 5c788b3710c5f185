//! Each predicate has one SQL text, and no text of a setting that is empty opens a row.

mod common;

use tabellion_sql::schema::Platform;

/// The `using` of a select policy with this predicate.
fn using(predicate: &str) -> String {
    let sql = policy(predicate).unwrap_or_else(|errors| panic!("{errors}"));
    let (_, rest) = sql.split_once("\n  using (").expect("a policy");
    rest.split_once(");\n").expect("its end").0.to_owned()
}

/// The SQL of a table whose select policy has this predicate.
fn policy(predicate: &str) -> Result<String, String> {
    let source = format!(
        r#"
        #[derive(TextEnum)]
        enum Status {{ Draft, #[text("it's out")] Out }}
        #[derive(Scope)]
        #[scope(role = "app")]
        struct Shop {{
            #[setting("app.shop")] domain: String,
            #[setting("app.user")] user: Uuid,
            #[setting("app.level")] level: i32,
        }}
        #[derive(Table)]
        #[table(scope = Shop)]
        #[policy("p", select, using = {predicate})]
        struct Note {{
            shop: String,
            owner: Uuid,
            level: Option<i32>,
            public: bool,
            status: Status,
            #[column(name = "Order")] order: i32,
            #[column(type = "citext")] email: String,
            score: Option<f32>,
            #[column(type = "real")] rank: Rank,
            exact: f64,
        }}
        "#
    );
    common::sql(&source, Platform::Postgres)
}

#[test]
fn no_predicate_asks_whether_the_scope_is_there() {
    for predicate in [
        "scope.domain.is_null()",
        "!(scope.user.is_not_null())",
        "public || scope.level.is_null()",
    ] {
        let errors = policy(predicate).expect_err(predicate);
        assert!(errors.contains("compare it with a column"), "{errors}");
    }
}

#[test]
fn an_equal_text_is_guarded_against_the_empty_setting() {
    let guarded = "shop = (select current_setting('app.shop', true)) and shop > ''";
    assert_eq!(using("shop == scope.domain"), guarded);
    assert_eq!(using("scope.domain == shop"), guarded);
    assert_eq!(
        using("shop == scope.domain && public"),
        format!("{guarded} and public")
    );
    assert_eq!(
        using("public || shop == scope.domain"),
        format!("public or {guarded}")
    );
    assert_eq!(
        using("(public || shop == scope.domain) && level.is_not_null()"),
        format!("(public or {guarded}) and level is not null")
    );
}

#[test]
fn everything_else_turns_an_empty_setting_into_null() {
    let text = "nullif((select current_setting('app.shop', true)), '')";
    let user = "(select case when given like '________-____-____-____-____________' \
                and given ~ '^[0-9a-fA-F-]+$' and given not like '%-%-%-%-%-%' then given::uuid end \
                from (select current_setting('app.user', true) as given) setting)";
    assert_eq!(using("owner == scope.user"), format!("owner = {user}"));
    assert_eq!(using("shop != scope.domain"), format!("shop <> {text}"));
    assert_eq!(
        using("!(shop == scope.domain)"),
        format!("not (shop = {text})")
    );
    assert_eq!(
        using("!(public && shop == scope.domain)"),
        format!("not (public and shop = {text})")
    );
    assert_eq!(
        using("level <= scope.level"),
        "level <= (select case when length(given) <= 11 and given ~ '^-?[0-9]+$' then case when given::bigint \
         between '-2147483648'::bigint and '2147483647'::bigint then given::bigint end end \
         from (select current_setting('app.level', true) as given) setting)"
    );
    assert_eq!(
        using("email != scope.domain"),
        format!("email <> {text}::citext")
    );
    assert_eq!(
        using("owner.is_in([scope.user])"),
        format!("owner = {user}")
    );
    assert_eq!(
        using("email.is_in([scope.domain, \"x\"])"),
        format!("email in ({text}::citext, 'x')")
    );
    assert_eq!(
        using("shop.is_in([scope.domain, \"x\"])"),
        format!("shop in ({text}, 'x')")
    );
}

#[test]
fn names_and_literals_are_quoted() {
    assert_eq!(using("order == -1"), "\"Order\" = -1");
    assert_eq!(using("status == Status::Out"), "status = 'it''s out'");
    assert_eq!(using("shop == \"o'clock\""), "shop = 'o''clock'");
    assert_eq!(
        using("sql(\"shop = note.shop and \\\"Order\\\" > 0\")"),
        "shop = note.shop and \"Order\" > 0"
    );
}

#[test]
fn a_literal_beside_a_real_is_one() {
    for (predicate, sql) in [
        ("score < 0.7", "score < 0.7::real"),
        ("-0.5 != score", "-0.5::real <> score"),
        ("rank >= 16777217", "rank >= 16777217::real"),
        ("score.is_in([0.1])", "score = 0.1::real"),
        (
            "score.is_in([0.1, rank, exact, 2])",
            "score in (0.1::real, rank, exact, 2::real)",
        ),
        (
            "0.1.is_in([score, exact])",
            "score = 0.1::real or exact = 0.1",
        ),
        (
            "public && 0.1.is_in([score, exact])",
            "public and (score = 0.1::real or exact = 0.1)",
        ),
        ("exact < 0.7", "exact < 0.7"),
    ] {
        assert_eq!(using(predicate), sql);
    }
}

#[test]
fn a_condition_reads_a_column_or_the_scope() {
    for predicate in [
        "now() == now()",
        "public || 1 == 1",
        "Status::Out != Status::Draft",
        "1.is_in([1, 2])",
        "now().is_not_null()",
    ] {
        let errors = policy(predicate).expect_err(predicate);
        let message =
            "`using` has a condition that reads neither a column nor the scope; name a column";
        assert!(errors.contains(message), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_literal_is_within_the_type_of_its_column() {
    for (predicate, column) in [
        ("exact < 1e400", "`exact` of type `double precision`"),
        ("-1e-400 == exact", "`exact` of type `double precision`"),
        ("score.is_in([0.1, 1e39])", "`score` of type `real`"),
        ("rank > 1e-60", "`rank` of type `real`"),
        ("1e39.is_in([exact, score])", "`score` of type `real`"),
        ("order == 2147483648", "`Order` of type `integer`"),
        ("!(level >= -2147483649)", "`level` of type `integer`"),
    ] {
        let errors = policy(predicate).expect_err(predicate);
        let message =
            format!("`using` compares column {column} with a number that the type has no room for");
        assert!(errors.contains(&message), "{errors}");
    }
    for predicate in [
        "exact < 1e308 && exact > 0e500",
        "score > 1e-45",
        "order == -2147483648",
        "order < 1e400",
    ] {
        using(predicate);
    }
}
