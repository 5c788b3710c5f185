//! What lies ahead of pg_catalog on a session's search path is never called by a question of Tabellion's own.

use tabellion::Table;

use crate::support::*;

/// Operators that the questions about logins and types would take where they do not say whose they mean.
const OPERATORS: [[&str; 3]; 10] = [
    ["=", "oid", "oid"],
    ["=", "oid", "int4"],
    ["=", "name", "name"],
    ["=", "name", "text"],
    ["=", "\"char\"", "\"char\""],
    ["<>", "oid", "oid"],
    ["<>", "oid", "int4"],
    ["||", "text", "text"],
    ["||", "text", "name"],
    ["||", "name", "text"],
];

const FUNCTIONS: [[&str; 2]; 7] = [
    ["current_setting(text)", "text"],
    ["quote_ident(text)", "text"],
    ["quote_ident(name)", "text"],
    ["pg_has_role(oid, oid, text)", "bool"],
    ["pg_has_role(name, oid, text)", "bool"],
    ["unnest(oid[])", "setof oid"],
    ["set_config(text, text, bool)", "text"],
];

/// A function body that ends whatever calls it.
const BODY: &str = "language plpgsql as 'begin raise exception ''planted''; end'";

#[tokio::test]
async fn nothing_planted_ahead_of_pg_catalog_is_called() -> Outcome {
    let fixture = Fixture::new().await?;
    let domains = "create domain short as text; create domain shorter as short; \
                   alter table notes alter body type shorter";
    fixture.admin.batch_execute(domains).await?;
    for (n, [operator, left, right]) in (0..).zip(OPERATORS) {
        let returns = if operator == "||" { "text" } else { "bool" };
        let plant = format!(
            "create function public.planted_{n}({left}, {right}) returns {returns} {BODY}; \
             create operator public.{operator} \
             (leftarg = {left}, rightarg = {right}, function = public.planted_{n})"
        );
        fixture.admin.batch_execute(&plant).await?;
    }
    for [function, returns] in FUNCTIONS {
        let plant = format!("create function public.{function} returns {returns} {BODY}");
        fixture.admin.batch_execute(&plant).await?;
    }
    let login = format!("app_{}", fixture.database.name());
    let path = format!("alter role {login} set search_path = public, pg_catalog");
    fixture.admin.batch_execute(&path).await?;

    // They lie in the way of whoever names none.
    let client = client(&fixture.url).await?;
    for [operator, left, right] in OPERATORS {
        let (left, right) = (cast(left), cast(right));
        let refused = client
            .batch_execute(&format!("select {left} {operator} {right}"))
            .await
            .unwrap_err();
        assert!(format!("{refused:?}").contains("planted"), "{refused:?}");
    }

    // Who the login is, what its role is, and what a column's type is made of.
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let row = Note::insert(note("acme"))
        .set(Note::BODY, "brief")
        .fetch_one(&acme)
        .await?;
    assert_eq!(row.body.as_deref(), Some("brief"));

    // Which table makes it one to refuse.
    let owner = format!(
        "alter table notes owner to {login}; alter table notes no force row level security"
    );
    fixture.admin.batch_execute(&owner).await?;
    let db = fixture.connect(1).await?;
    let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await);
    assert!(error.to_string().contains("owns public.notes"), "{error}");
    let owner = "alter table notes owner to current_user";
    fixture.admin.batch_execute(owner).await?;
    Ok(())
}

/// A value of a type, from a text that each of them takes.
fn cast(ty: &str) -> String {
    format!("'1'::pg_catalog.{ty}")
}
