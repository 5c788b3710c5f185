//! Claims of a JSON Web Token, where a platform sets them and where nobody but a scope does.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table, TextEnum, Uuid};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Expr, Platform, QualifiedName, Rls, Type};

use crate::support::{Outcome, World, declared, guards};

declared! {
    #[derive(Debug, Clone, PartialEq, TextEnum)]
    enum Plan { Free, #[text("true")] Paid }

    #[derive(Clone, Scope)]
    #[scope(role = "policies_user", create)]
    struct User {
        #[claim("sub")]
        id: Uuid,
        #[claim("app_metadata.org_id")]
        org: Option<i64>,
        #[claim("email")]
        email: Option<String>,
        #[claim("app_metadata.plan")]
        plan: Option<Plan>,
    }

    #[derive(Debug, Table)]
    #[table(name = "todos", scope = User)]
    #[index(columns(owner))]
    #[tenant(owner = scope.id)]
    struct Todo {
        #[column(primary_key)]
        id: i64,
        owner: Uuid,
    }

    #[derive(Debug, Table)]
    #[table(name = "projects", scope = User)]
    #[index(columns(org))]
    #[policy("members", select, using = org == scope.org || invited == scope.email)]
    struct Project {
        #[column(primary_key)]
        id: i64,
        org: i64,
        invited: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "offers", scope = User)]
    #[index(columns(plan))]
    #[policy("for others", select, using = plan != scope.plan)]
    struct Offer {
        #[column(primary_key)]
        id: i64,
        plan: Plan,
    }
}

const ROLE: &str = "policies_user";
const ADA: Uuid = Uuid::from_u128(0xada);

const ROWS: &str = "
insert into todos values (1, '00000000-0000-0000-0000-000000000ada'), (2, '00000000-0000-0000-0000-000000000bad');
insert into projects values (1, 7, ''), (2, 8, 'ada@example.com'), (3, 9, 'bob@example.com'),
  (4, 10, '[1]'), (5, 10, 'true'), (6, 10, '1'), (7, 10, '{}');
insert into offers values (1, 'free'), (2, 'true');
";

fn ada(org: Option<i64>, email: Option<&str>) -> User {
    User {
        id: ADA,
        org,
        email: email.map(str::to_owned),
        plan: None,
    }
}

async fn typed(world: &World) -> Outcome {
    let user = world.app.scope(ada(Some(7), Some("ada@example.com")));
    assert_eq!(Todo::by_owner(ADA).fetch_all(&user).await?.len(), 1);
    assert_eq!(Project::by_org(7).fetch_all(&user).await?.len(), 1);
    assert_eq!(Project::by_org(8).fetch_all(&user).await?.len(), 1);
    assert_eq!(Project::by_org(9).fetch_all(&user).await?.len(), 0);
    // What is absent denies, and nothing of the user before is left on the connection.
    let bare = world.app.scope(ada(None, None));
    for org in [7, 8, 9] {
        assert_eq!(Project::by_org(org).fetch_all(&bare).await?.len(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn without_a_platform_no_policy_reads_json() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    typed(&world).await?;

    // Read by a cast, claims that are no JSON raise an error, which quotes them.
    world
        .admin
        .batch_execute(
            "create table cast_todos as select * from todos;
             alter table cast_todos enable row level security;
             grant select on cast_todos to policies_user;
             create policy p on cast_todos to policies_user using (owner =
               (nullif((select current_setting('request.jwt.claims', true)), '')::json ->> 'sub')::uuid)",
        )
        .await?;
    for claims in ["{", "abc", "[]", "{\"sub\": 1}", "{\"sub\": \"x\"}"] {
        let settings = [("request.jwt.claims", claims)];
        if claims != "[]" {
            let raised = world.counts(ROLE, &settings, "cast_todos").await;
            assert!(raised.is_err(), "{claims}: {raised:?}");
        }
        assert_eq!(world.counts(ROLE, &settings, "todos").await, Ok(0));
        assert_eq!(world.counts(ROLE, &settings, "projects").await, Ok(0));
    }
    for (claim, text) in [
        ("request.jwt.claim.sub", "x"),
        ("request.jwt.claim.sub", ""),
        ("request.jwt.claim.app_metadata.org_id", "7x"),
        ("request.jwt.claim.email", ""),
    ] {
        let settings = [(claim, text)];
        assert_eq!(world.counts(ROLE, &settings, "todos").await, Ok(0));
        assert_eq!(world.counts(ROLE, &settings, "projects").await, Ok(0));
    }
    world.close().await
}

/// The two functions of the platform that policies call, as it documents them.
const AUTH: &str = "
create schema auth;
create function auth.jwt() returns jsonb language sql stable
  return coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb;
create function auth.uid() returns uuid language sql stable
  return (auth.jwt() ->> 'sub')::uuid;
grant usage on schema auth to public;
";

/// Its roles.
const STUBS: &str = "
do $$ begin create role anon; exception when duplicate_object or unique_violation then null; end $$;
do $$ begin create role authenticated; exception when duplicate_object or unique_violation then null; end $$;
";

#[tokio::test]
async fn on_supabase_its_functions_read_them() -> Outcome {
    let sql = crate::common::sql(SOURCE, Platform::Supabase)?;
    for text in [
        "owner = (select auth.uid())",
        "from (select (select auth.jwt()) -> 'app_metadata'::text ->> 'org_id'::text as given offset 0) setting)",
        "invited = (select case when jsonb_typeof(given) = 'string' then given #>> '{}'::text[] end \
         from (select (select auth.jwt()) -> 'email'::text as given offset 0) setting) and invited > ''",
    ] {
        assert!(sql.contains(text), "{text}\n{sql}");
    }
    let world = World::with(&format!("{STUBS}{AUTH}{sql}"), &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    typed(&world).await?;
    for claims in [
        "",
        "{}",
        "[]",
        "{\"app_metadata\": 7}",
        "{\"app_metadata\": {\"org_id\": \"7x\"}}",
        "{\"app_metadata\": {\"org_id\": {}}, \"email\": \"\"}",
        "{\"app_metadata\": null, \"email\": null}",
        // What has a text, and is none.
        "{\"email\": [1], \"app_metadata\": {\"plan\": [\"free\"]}}",
        "{\"email\": true, \"app_metadata\": {\"plan\": true}}",
        "{\"email\": 1, \"app_metadata\": {\"plan\": \"golden\"}}",
        "{\"email\": {}, \"app_metadata\": {\"plan\": \"\"}}",
    ] {
        let settings = [("request.jwt.claims", claims)];
        assert_eq!(world.counts(ROLE, &settings, "todos").await, Ok(0));
        assert_eq!(world.counts(ROLE, &settings, "projects").await, Ok(0));
        assert_eq!(world.counts(ROLE, &settings, "offers").await, Ok(0));
    }
    let paid = [(
        "request.jwt.claims",
        r#"{"app_metadata": {"plan": "true"}}"#,
    )];
    assert_eq!(world.counts(ROLE, &paid, "offers").await, Ok(1));
    let text = r#"{"app_metadata": {"org_id": "7"}, "email": "bob@example.com"}"#;
    let settings = [("request.jwt.claims", text)];
    assert_eq!(world.counts(ROLE, &settings, "projects").await, Ok(2));
    world.close().await
}

fn proof_scope() -> ProofScope {
    let claim = |name: &str, path: &[&str], ty, texts: &[&str]| ProofSetting {
        name: name.into(),
        claim: Some(path.iter().map(|&word| word.into()).collect()),
        ty,
        texts: texts.iter().map(|&text| text.into()).collect(),
    };
    let prefix = "request.jwt.claim";
    ProofScope {
        role: ROLE.into(),
        settings: vec![
            claim(&format!("{prefix}.sub"), &["sub"], Type::Uuid, &[]),
            claim(
                &format!("{prefix}.app_metadata.org_id"),
                &["app_metadata", "org_id"],
                Type::Int8,
                &[],
            ),
            claim(&format!("{prefix}.email"), &["email"], Type::Text, &[]),
            claim(
                &format!("{prefix}.app_metadata.plan"),
                &["app_metadata", "plan"],
                Type::Text,
                Plan::VARIANTS,
            ),
        ],
    }
}

/// Where the struct itself says less than it should, the words are the same: a case has to show it.
#[tokio::test]
async fn the_drawn_tests_send_claims_that_are_empty_and_such_that_are_no_text() -> Outcome {
    let platform = Platform::Supabase;
    let sql = crate::common::sql(SOURCE, platform)?;
    let world = World::with(&format!("{STUBS}{AUTH}{sql}"), &[ROLE]).await?;
    let schema = crate::common::schema(SOURCE, platform)?;
    let scopes = [proof_scope()];
    let proof = rls_tests(&schema, &scopes);
    world.admin.batch_execute(&proof).await?;

    let said = "(select auth.jwt()) ->";
    let email = "(select case when jsonb_typeof(given) = 'string' then given #>> '{}' end \
                 from (select (select auth.jwt()) -> 'email' as given offset 0) setting)";
    let what = |case: &str| format!("what is declared for select by {ROLE}, {case}, row of ");
    for (table, column, using, complaint) in [
        // Without `> ''`.
        (
            "projects",
            "invited",
            format!("invited = {email}"),
            what("scope empty"),
        ),
        // What is no text has a text too.
        (
            "projects",
            "invited",
            format!("invited = {said}> 'email' and invited > ''"),
            what("scope whose claims are {}"),
        ),
        (
            "projects",
            "invited",
            format!("invited <> nullif({said}> 'email', '')"),
            what("scope whose claims are true"),
        ),
        (
            "offers",
            "plan",
            format!("plan <> nullif({said} 'app_metadata' ->> 'plan', '')"),
            what("scope of no such values"),
        ),
    ] {
        let mut schema = schema.clone();
        let name = QualifiedName::new("public", table);
        let declared = schema.tables.get_mut(&name).ok_or("no table")?;
        let Rls::Enabled(policies) = &mut declared.rls else {
            return Err("no policies".into());
        };
        let (old, mut policy) = policies.pop_first().ok_or("no policy")?;
        policy.using = Some(Expr::new(&using, [column]));
        let change = format!(
            "begin; alter policy \"{old}\" on {table} rename to theirs; alter policy theirs on {table} using ({using})"
        );
        policies.insert("theirs".into(), policy);
        world.admin.batch_execute(&change).await?;
        let proof = rls_tests(&schema, &scopes);
        let noticed = world.admin.batch_execute(&proof).await.expect_err(&using);
        let noticed = noticed.as_db_error().ok_or("the server's")?.message();
        assert!(
            noticed.starts_with(&format!("public.{table}: {complaint}")),
            "{using}: {noticed}"
        );
        world.admin.batch_execute("rollback").await?;
    }
    world.close().await
}

#[tokio::test]
async fn each_guard_of_a_claim_is_taken_away_by_itself() -> Outcome {
    let guards = guards(SOURCE, Platform::Supabase, proof_scope()).await?;
    assert_eq!(
        guards,
        [
            "offers: form of a value",
            "offers: text of an enumeration",
            "offers: type of a claim",
            "projects: empty text",
            "projects: form of a value 1 of 2",
            "projects: form of a value 2 of 2",
            "projects: type of a claim",
        ]
    );
    Ok(())
}
