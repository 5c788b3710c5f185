//! Policies that let a scope read some columns only, as Supabase's `anon` reads profiles without their addresses.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::error::RawSql;
use tabellion::{Error, FromRow, Scope, Table};
use tabellion_sql::proof::{ProofScope, ProofSetting, rls_tests};
use tabellion_sql::schema::{Platform, Type};
use tabellion_sql::verify::verify;

use crate::support::{Outcome, World, declared, mutants};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "columns_owner")]
    struct Owner {
        #[setting("app.owner")]
        id: i64,
    }

    #[derive(Clone, Scope)]
    #[scope(role = "columns_anyone")]
    struct Anyone {
        #[setting("app.club")]
        club: String,
    }

    // Who may do nothing else, as Supabase's `anon`.
    #[derive(Clone, Scope)]
    #[scope(role = "columns_guest")]
    struct Guest {
        #[setting("app.club")]
        club: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "profiles", scope = Owner)]
    #[index(columns(club))]
    #[policy("own", all, using = id == scope.id, check = id == scope.id)]
    #[policy("names", select, scope = Anyone, using = club == scope.club, columns(id, club, name))]
    #[policy("a name", select, scope = Guest, using = club == scope.club, columns(name))]
    #[policy("apply", insert, scope = Anyone, check = club == scope.club)]
    struct Profile {
        #[column(primary_key)]
        id: i64,
        club: String,
        name: String,
        email: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "posts", scope = Owner)]
    #[index(columns(author))]
    #[policy("own", all, using = author == scope.id, check = author == scope.id)]
    #[policy("of the known", select, scope = Anyone, using = exists(Profile, |p| p.id == author && p.club == scope.club))]
    struct Post {
        #[column(primary_key)]
        id: i64,
        author: i64,
    }
}

const ROLES: [&str; 3] = ["columns_owner", "columns_anyone", "columns_guest"];

const ROWS: &str = "
insert into profiles values (1, 'acme', 'Ada', 'ada@acme'), (2, 'acme', 'Bob', 'bob@acme'), (3, 'other', 'Eve', 'eve@other');
insert into posts values (1, 1), (2, 2);
";

#[derive(Debug, PartialEq, FromRow)]
struct Named {
    id: i64,
    name: String,
}

fn scopes() -> [ProofScope; 3] {
    let asking = |role: &str, name: &str, ty: Type| ProofScope {
        role: role.into(),
        settings: vec![ProofSetting {
            name: name.into(),
            claim: None,
            ty,
            texts: Vec::new(),
        }],
    };
    [
        asking(ROLES[0], "app.owner", Type::Int8),
        asking(ROLES[1], "app.club", Type::Text),
        asking(ROLES[2], "app.club", Type::Text),
    ]
}

#[tokio::test]
async fn a_scope_reads_the_columns_of_its_policy_and_no_others() -> Outcome {
    let sql = crate::common::sql(SOURCE, Platform::Postgres)?;
    let granted =
        "grant select (club, id, name), insert on table public.profiles to columns_anyone";
    assert!(sql.contains(granted), "{sql}");
    let world = World::of(SOURCE, &ROLES).await?;
    world.admin.batch_execute(ROWS).await?;
    let anyone = world.app.scope(Anyone {
        club: "acme".into(),
    });
    let named = anyone
        .query_as::<Named>(
            "select id, name from profiles where id < $1 order by id",
            (9_i64,),
        )
        .fetch_all()
        .await?;
    assert_eq!(named.len(), 2);
    assert_eq!(named[0].name, "Ada");
    for statement in [
        "select id, email as name from profiles",
        "select id, name from profiles where email = 'ada@acme'",
        "select id, name from profiles order by email",
        "select id, p::text as name from profiles p",
    ] {
        let refused = anyone.query_as::<Named>(statement, ()).fetch_all().await;
        assert!(
            matches!(&refused, Err(Error::RawSql(fault)) if matches!(**fault, RawSql::Privilege { .. })),
            "{statement}: {refused:?}"
        );
    }
    // What a policy reads of its own row is not asked of whoever reads; of another table it is, and is granted here.
    let counts = |table| world.counts(ROLES[1], &[("app.club", "acme")], table);
    assert_eq!(counts("posts").await, Ok(2));
    // A new row is written without being read.
    let new = |club: &str| NewProfile {
        id: 7,
        club: club.into(),
        name: "Kim".into(),
        email: "kim@acme".into(),
    };
    assert_eq!(Profile::insert(new("acme")).execute(&anyone).await?, 1);
    let refused = Profile::insert(new("other")).execute(&anyone).await;
    assert!(
        matches!(refused, Err(Error::RowRefused { .. })),
        "{refused:?}"
    );
    let owner = world.app.scope(Owner { id: 7 });
    assert_eq!(Profile::find(7).fetch_one(&owner).await?.email, "kim@acme");
    drop((anyone, owner));
    world.close().await
}

#[tokio::test]
async fn the_drawn_tests_try_each_column() -> Outcome {
    let world = World::of(SOURCE, &ROLES).await?;
    let schema = crate::common::schema(SOURCE, Platform::Postgres)?;
    let proof = rls_tests(&schema, &scopes());
    world.admin.batch_execute(&proof).await?;
    for (change, back, missed) in [
        (
            "grant select (email) on profiles to columns_anyone",
            "revoke select (email) on profiles from columns_anyone",
            "select of column email by columns_anyone: expected permission denied",
        ),
        (
            "grant select on profiles to columns_anyone",
            "revoke select on profiles from columns_anyone; grant select (id, club, name) on profiles to columns_anyone",
            "select of column email by columns_anyone: expected permission denied",
        ),
        (
            "grant select (id) on profiles to columns_guest",
            "revoke select (id) on profiles from columns_guest",
            "select of column id by columns_guest: expected permission denied",
        ),
        (
            "revoke select (name) on profiles from columns_anyone",
            "grant select (name) on profiles to columns_anyone",
            "select of its columns by columns_anyone",
        ),
        (
            "alter policy names on profiles using (true)",
            "alter policy names on profiles using (club = (select current_setting('app.club', true)) and club > '')",
            "by columns_anyone",
        ),
    ] {
        world.admin.batch_execute(change).await?;
        let noticed = world.admin.batch_execute(&proof).await.expect_err(change);
        let said = noticed.as_db_error().expect("the server's").message();
        assert!(
            said.starts_with("public.profiles: ") && said.contains(missed),
            "{change}: {said}"
        );
        world.admin.batch_execute("rollback").await?;
        world.admin.batch_execute(back).await?;
    }
    // Beside rows that are there already too.
    world.admin.batch_execute(ROWS).await?;
    world.admin.batch_execute(&proof).await?;
    world.close().await
}

#[test]
fn a_policy_reads_no_column_that_its_role_may_not() -> Outcome {
    let source = SOURCE.split_whitespace().collect::<Vec<_>>().join(" ");
    let fewer = source.replace("columns(id, club, name)", "columns(id, name)");
    assert_ne!(fewer, source);
    let told = |source: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let findings = verify(&crate::common::schema(source, Platform::Postgres)?);
        Ok(findings.into_iter().map(|it| it.message).collect())
    };
    assert_eq!(told(&source)?, [""; 0]);
    assert_eq!(
        told(&fewer)?,
        [
            "policy `of the known` on `posts` reads `club` of `profiles` as role `columns_anyone`, which may read other \
             columns only; name it in the `columns` of that role's `select` policy"
        ]
    );
    Ok(())
}

#[test]
fn no_function_gives_out_what_its_role_may_not_read() -> Outcome {
    let source = |columns: &str| {
        let text = stringify! {
            #[derive(Clone, Scope)]
            #[scope(role = "columns_anyone")]
            struct Anyone {
                #[setting("app.club")]
                club: String,
            }

            #[derive(Table)]
            #[table(name = "teams", scope = Anyone)]
            #[index(columns(person))]
            #[policy("of my teams", select,
                using = exists(Team, |t| t.team == team && t.person == scope.club), columns(granted))]
            struct Team {
                #[column(primary_key)]
                id: i64,
                team: String,
                person: String,
            }
        };
        text.replace("granted", columns)
    };
    let told = |columns: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let findings = verify(&crate::common::schema(
            &source(columns),
            Platform::Postgres,
        )?);
        Ok(findings.into_iter().map(|it| it.message).collect())
    };
    assert_eq!(told("id, team")?, [""; 0]);
    assert_eq!(
        told("id, person")?,
        [
            "policy `of my teams` on `teams` looks up `team` of `teams` by a function that role `columns_anyone` may call, \
             which gives it a column that it may not read; name `team` in the `columns` of that role's `select` policy, \
             or compare with a column that it may read"
        ]
    );
    Ok(())
}

#[tokio::test]
async fn whoever_is_let_read_more_is_noticed() -> Outcome {
    let mutants = mutants(SOURCE, Platform::Postgres, &scopes()).await?;
    for role in &ROLES[1..] {
        let more = format!("select from {role} on table public.profiles");
        assert!(mutants.iter().any(|it| it.what == more), "{mutants:#?}");
    }
    Ok(())
}
