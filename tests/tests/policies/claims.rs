//! Claims of a JSON Web Token, where a platform sets them and where nobody but a scope does.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table, TextEnum, Uuid};
use tabellion_sql::schema::Platform;

use crate::support::{Outcome, World, declared};

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

#[tokio::test]
async fn on_supabase_its_functions_read_them() -> Outcome {
    let sql = crate::common::sql(SOURCE, Platform::Supabase)?;
    for text in [
        "owner = (select auth.uid())",
        "from (select (select auth.jwt()) -> 'app_metadata'::text ->> 'org_id'::text as given offset 0) setting)",
        "invited = (select case when jsonb_typeof(given) = 'string' then given #>> '{}'::text[] end \
         from (select (select auth.jwt()) -> 'email'::text as given offset 0) setting) and invited <> ''",
    ] {
        assert!(sql.contains(text), "{text}\n{sql}");
    }
    let stubs = "do $$ begin create role anon; exception when duplicate_object or unique_violation then null; end $$;
      do $$ begin create role authenticated; exception when duplicate_object or unique_violation then null; end $$;";
    let world = World::with(&format!("{stubs}{AUTH}{sql}"), &[ROLE]).await?;
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
