use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::schema::{Check, Column, PrimaryKey, Rls, Role};

fn scope() -> ProofScope {
    let setting = |name: &str, ty| ProofSetting {
        name: name.to_owned(),
        claim: None,
        ty,
        texts: Vec::new(),
    };
    ProofScope {
        role: "app".to_owned(),
        settings: vec![
            setting("app.shop", Type::Text),
            setting("app.account", Type::Int8),
        ],
    }
}

fn policy(command: Command, sql: &str, columns: &[&str]) -> Policy {
    let mut policy: Policy = serde_json::from_str(r#"{"roles": ["app"]}"#).unwrap();
    policy.command = Some(command);
    let expr = Some(Expr::new(sql, columns.iter().copied()));
    match command {
        Command::Insert => policy.check = expr,
        _ => policy.using = expr,
    }
    policy
}

fn schema(policies: Vec<(&str, Policy)>) -> Schema {
    let mut table = Table::new("shop::Note");
    let mut archived = Column::new("archived_at", Type::Timestamptz(None));
    archived.nullable = true;
    table.columns = vec![
        Column::new("id", Type::Uuid),
        Column::new("shop", Type::Text),
        Column::new("status", Type::Text),
        archived,
    ];
    table.primary_key = Some(PrimaryKey {
        name: "notes_pkey".to_owned(),
        columns: vec!["id".to_owned()],
        ..PrimaryKey::default()
    });
    let listed = Expr::new("status in ('it''s, new', 'old')", ["status"]);
    table.checks = BTreeMap::from([("notes_status_check".to_owned(), Check::new(listed))]);
    let commands: BTreeSet<Command> = policies.iter().filter_map(|(_, it)| it.command).collect();
    table.grants = BTreeMap::from([("app".to_owned(), commands)]);
    let policies = policies.into_iter().map(|(name, it)| (name.to_owned(), it));
    table.rls = Rls::Enabled(policies.collect());
    Schema {
        roles: BTreeMap::from([("app".to_owned(), Role::Created)]),
        tables: BTreeMap::from([(QualifiedName::new("public", "notes"), table)]),
        ..Schema::default()
    }
}

const EQUAL: &str = "shop = (select current_setting('app.shop', true)) and shop > ''";

#[test]
fn a_row_of_each_tenant_and_of_the_empty_text_is_tried() {
    let schema = schema(vec![("read", policy(Command::Select, EQUAL, &["shop"]))]);
    let text = rls_tests(&schema, &[scope(), scope()]);
    assert_eq!(text, rls_tests(&schema, &[scope()]));
    for line in [
        "  ('public.notes', 'read', 'select', true, array['app'],\n    $$shop = (select current_setting('app.shop', \
         true)) and shop > ''$$,\n    null, true);",
        "  ('scope of tenant B', 'B', '{\"app.account\":\"-32002\",\"app.shop\":\"rls-b\"}', null, null),",
        "  ('public.notes', 'row of tenant A', 'A', $$id = 'cccccccc-0000-4000-8000-000000000001'$$,\n    $$insert into \
         public.notes (id, shop, status) values ('cccccccc-0000-4000-8000-000000000001', 'rls-a', 'it''s, new')$$, \
         $$shop = 'rls-a'$$, true),",
    ] {
        assert!(text.contains(line), "{line}\n\n{text}");
    }
    assert!(text.contains("'row of the empty text', ''"), "{text}");
}

#[test]
fn what_a_policy_tells_apart_gets_rows_of_its_own() {
    let sql = format!("{EQUAL} and (status <> 'old' or archived_at is null)");
    let columns = ["shop", "status", "archived_at"];
    let schema = schema(vec![("read", policy(Command::Select, &sql, &columns))]);
    let text = rls_tests(&schema, &[scope()]);
    for label in [
        "$$row of tenant A with status = 'old'$$",
        "$$row of tenant A with archived_at = 'infinity'$$",
        "'row of tenant A with archived_at = null'",
    ] {
        assert!(text.contains(label), "{label}\n\n{text}");
    }
    // It says more than whose the row is.
    assert!(
        text.contains("null, false);\n\ninsert into pg_temp.rls_row"),
        "{text}"
    );
}

#[test]
fn a_policy_of_the_tenant_alone_is_told() {
    let schema = schema(vec![]);
    let mut table = schema.tables[&QualifiedName::new("public", "notes")].clone();
    table.columns.push(Column::new("account", Type::Int8));
    let is = |sql: &str, columns: &[&str]| {
        let expr = Expr::new(sql, columns.iter().copied());
        is_of_tenant(&expr, &table, &[scope()])
    };
    let setting = "(select current_setting('app.account', true))";
    assert!(is(EQUAL, &["shop"]));
    assert!(is(
        "shop = nullif((select current_setting('app.shop', true)), '')",
        &["shop"]
    ));
    let cast = format!("account = nullif({setting}, '')::bigint");
    assert!(is(&cast, &["account"]));
    let guarded = "account = (select case when length(given) < 9 and given ~ '^x$' then given::bigint end \
                   from (select current_setting('app.account', true) as given) setting)";
    assert!(is(guarded, &["account"]));
    assert!(!is(&format!("{guarded} or (shop = 'x')"), &["account"]));
    assert!(!is(&format!("{EQUAL} or shop = 'x'"), &["shop"]));
    assert!(!is(
        "shop = nullif((select current_setting('app.shop', true)), '') or true",
        &["shop"]
    ));
    assert!(!is(
        "shop = (select current_setting('app.other', true)) and shop > ''",
        &["shop"]
    ));
    assert!(!is("shop = 'x'", &["shop"]));
    assert!(!is(
        "shop <> (select current_setting('app.shop', true))",
        &["shop"]
    ));
    assert!(!is(
        "status = (select current_setting('app.shop', true)) and status > ''",
        &["status"]
    ));
}

#[test]
fn claims_are_left_out_empty_or_no_text_and_a_user_is_a_uuid_or_nobody() {
    let sql = "shop = (select (select auth.jwt()) ->> 'email') and shop > '' and id = (select auth.uid())";
    let policy = policy(Command::Select, sql, &["shop", "id"]);
    let schema = Schema {
        platform: Platform::Supabase,
        ..schema(vec![("read", policy)])
    };
    let claim = |path: &str, ty| ProofSetting {
        name: format!("request.jwt.claim.{path}"),
        claim: Some(vec![path.to_owned()]),
        ty,
        texts: Vec::new(),
    };
    let scope = ProofScope {
        role: "app".to_owned(),
        settings: vec![claim("email", Type::Text), claim("sub", Type::Uuid)],
    };
    let text = rls_tests(&schema, &[scope]);
    let claims = |claims: &str| {
        let claims = serde_json::to_string(claims).unwrap();
        crate::ident::quote_literal(&format!("{{\"request.jwt.claims\":{claims}}}"))
    };
    let user = "\"sub\":\"aaaaaaaa-0000-4000-8000-000000000000\"";
    let tables = "array['public.notes']";
    for (label, said, rest) in [
        ("scope empty", "{\"email\":\"\"}".to_owned(), "null, null"),
        (
            "scope whose claims are true",
            "{\"email\":true}".to_owned(),
            &format!("{tables}, 'scope unset'"),
        ),
        (
            "scope whose claims are [1]",
            "{\"email\":[1]}".to_owned(),
            &format!("{tables}, 'scope unset'"),
        ),
        (
            "scope whose claims are {}",
            "{\"email\":{}}".to_owned(),
            &format!("{tables}, 'scope unset'"),
        ),
        (
            "scope of tenant A, request.jwt.claim.email empty",
            format!("{{\"email\":\"\",{user}}}"),
            &format!("{tables}, null"),
        ),
        (
            "scope of tenant A, request.jwt.claim.email unset",
            format!("{{{user}}}"),
            &format!("{tables}, null"),
        ),
        (
            "scope of tenant A, request.jwt.claim.sub unset",
            "{\"email\":\"rls-a\"}".to_owned(),
            &format!("{tables}, null"),
        ),
    ] {
        let start = format!("('{label}', ");
        let line = text.lines().find(|line| line.trim().starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("{label}\n\n{text}"));
        let end = format!(", {}, {rest})", claims(&said));
        assert!(line.contains(&end), "{line}\n{end}");
    }
    assert!(!text.contains("claim.sub empty") && !text.contains("claim.sub without"));
}

#[test]
fn settings_may_disagree_where_a_table_reads_several() {
    let both = "shop = (select current_setting('app.shop', true)) and shop > '' and id::text = \
                (select current_setting('app.account', true))";
    let schema = schema(vec![(
        "read",
        policy(Command::Select, both, &["shop", "id"]),
    )]);
    let text = rls_tests(&schema, &[scope()]);
    for line in [
        "  ('scope of tenant A, app.shop of tenant B', null, '{\"app.account\":\"-32001\",\"app.shop\":\"rls-b\"}', \
         array['public.notes'], null)",
        "  ('scope of tenant A, app.account without sense', null, '{\"app.account\":\"no such value\",\
         \"app.shop\":\"rls-a\"}', array['public.notes'], 'scope of tenant A, app.account empty')",
        "  ('scope of no such values', 'nobody', '{\"app.account\":\"no such value\",\"app.shop\":\"\"}', \
         array['public.notes'], 'scope empty')",
        "  ('scope of tenant A, app.account empty', null, '{\"app.account\":\"\",\"app.shop\":\"rls-a\"}', \
         array['public.notes'], null)",
    ] {
        assert!(text.contains(line), "{line}\n\n{text}");
    }
}
