//! Members of a team who see one another: a policy that reads its own table, which PostgreSQL refuses.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Scope, Table, TextEnum, Uuid};
use tabellion_sql::proof::{ProofScope, ProofSetting};
use tabellion_sql::schema::{Platform, Type};

use crate::support::{Outcome, World, declared, guards};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "policies_teammate")]
    struct User {
        #[setting("app.user")]
        id: Option<Uuid>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, TextEnum)]
    enum Position {
        Owner,
        Guest,
    }

    #[derive(Debug, Table)]
    #[table(name = "teammates", scope = User)]
    #[primary_key(columns(user_id, team))]
    #[index(columns(team), finder = "by_team")]
    #[policy("see one another", select, using = exists(Teammate, |m| m.team == team && m.user_id == scope.id))]
    #[policy("owners invite", insert,
        check = exists(Teammate, |m| m.team == team && m.user_id == scope.id && m.position == Position::Owner))]
    #[policy("owners dismiss", delete,
        using = exists(Teammate, |m| m.team == team && m.user_id == scope.id && m.position == Position::Owner))]
    struct Teammate {
        team: String,
        user_id: Uuid,
        position: Position,
    }

    #[derive(Debug, Table)]
    #[table(name = "boards", scope = User)]
    #[index(columns(team))]
    #[policy("of my teams", select, using = exists(Teammate, |m| m.team == team && m.user_id == scope.id))]
    struct Board {
        #[column(primary_key)]
        id: i64,
        team: String,
    }
}

const ROLE: &str = "policies_teammate";
const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const EVE: Uuid = Uuid::from_u128(0xe7e);

const ROWS: &str = "
insert into teammates values
  ('acme', '00000000-0000-0000-0000-000000000ada', 'owner'),
  ('acme', '00000000-0000-0000-0000-000000000b0b', 'guest'),
  ('other', '00000000-0000-0000-0000-000000000e7e', 'owner');
insert into boards values (1, 'acme'), (2, 'other');
";

fn scope() -> ProofScope {
    ProofScope {
        role: ROLE.into(),
        settings: vec![ProofSetting {
            name: "app.user".into(),
            claim: None,
            ty: Type::Uuid,
            texts: Vec::new(),
        }],
    }
}

#[test]
fn a_function_looks_up_what_a_policy_cannot_read_itself() {
    let sql = crate::common::sql(SOURCE, Platform::Postgres).expect("it is right");
    let function = "create function public.lookup_teammates_team_";
    assert_eq!(sql.matches(function).count(), 2, "{sql}");
    let (_, definition) = sql.split_once(function).expect("it was counted");
    let parts = [
        "() returns setof text\n  language plpgsql stable parallel safe security definer set search_path = pg_catalog, pg_temp\n",
        "return query select m.team from public.teammates m where m.user_id = (select case ",
        "() from public;\n",
        "() to policies_teammate;\n",
    ];
    for part in parts {
        assert!(definition.contains(part), "{part} in {sql}");
    }
    assert!(sql.contains("using (team = any (array(select public.lookup_teammates_team_"));
    // What another table's policies do not lead back to is read as whoever asks.
    assert!(sql.contains("using (team = any (array(select m.team from public.teammates m where"));
    // The roles that Supabase's default privileges let call it may not.
    let sql = crate::common::sql(SOURCE, Platform::Supabase).expect("it is right");
    assert!(
        sql.contains("() from public, anon, authenticated;\n"),
        "{sql}"
    );
}

#[tokio::test]
async fn members_see_one_another_and_nobody_else() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    // The policy without a function is refused, and every query with it.
    let plain = "create policy plain on teammates for select to policies_teammate using (
        team = any (array(select m.team from teammates m
          where m.user_id::text = (select current_setting('app.user', true)))))";
    world.admin.batch_execute(plain).await?;
    let said = world.counts(ROLE, &[("app.user", "")], "teammates").await;
    let endless = "infinite recursion detected in policy for relation \"teammates\"";
    assert_eq!(said, Err(endless.to_owned()));
    world
        .admin
        .batch_execute("drop policy plain on teammates")
        .await?;

    let ada = world.app.scope(User { id: Some(ADA) });
    let bob = world.app.scope(User { id: Some(BOB) });
    let eve = world.app.scope(User { id: Some(EVE) });
    let nobody = world.app.scope(User { id: None });
    let count = async |user| Teammate::by_team("acme").count(user).await;
    assert_eq!(count(&ada).await?, 2);
    assert_eq!(count(&bob).await?, 2);
    assert_eq!(count(&eve).await?, 0);
    assert_eq!(count(&nobody).await?, 0);
    for text in ["", "abc", "00000000-0000-0000-0000-000000000bad"] {
        let settings = [("app.user", text)];
        for table in ["teammates", "boards"] {
            assert_eq!(world.counts(ROLE, &settings, table).await, Ok(0), "{text}");
        }
    }
    let mine = [("app.user", "00000000-0000-0000-0000-000000000ada")];
    assert_eq!(world.counts(ROLE, &mine, "teammates").await, Ok(2));
    assert_eq!(world.counts(ROLE, &mine, "boards").await, Ok(1));

    let guest = |team: &str| NewTeammate {
        team: team.into(),
        user_id: Uuid::from_u128(7),
        position: Position::Guest,
    };
    assert_eq!(Teammate::insert(guest("acme")).execute(&ada).await?, 1);
    for (user, team) in [(&bob, "acme"), (&ada, "other"), (&nobody, "acme")] {
        let refused = Teammate::insert(guest(team)).execute(user).await;
        assert!(matches!(refused, Err(tabellion::Error::RowRefused { .. })));
    }
    drop((ada, bob, eve, nobody));
    world.close().await
}

#[tokio::test]
async fn what_the_caller_makes_is_not_what_the_function_finds() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    world
        .admin
        .batch_execute("create table stolen (note text); grant insert on stolen to public")
        .await?;
    // A type under a name that the function's query casts to, whose check runs as whoever casts.
    let planted = "
        create function pg_temp.take(uuid) returns boolean language plpgsql as $$
          begin insert into public.stolen select current_user; return true; end $$;
        create domain pg_temp.uuid as pg_catalog.uuid check (pg_temp.take(value));
        create table pg_temp.teammates (team text, user_id pg_catalog.uuid);
        insert into pg_temp.teammates values ('other', '00000000-0000-0000-0000-000000000ada')";
    world.raw.batch_execute(planted).await?;
    let mine = [("app.user", "00000000-0000-0000-0000-000000000ada")];
    assert_eq!(world.counts(ROLE, &mine, "public.teammates").await, Ok(2));
    let stolen = world
        .admin
        .query_one("select count(*) from stolen", &[])
        .await?;
    assert_eq!(stolen.get::<_, i64>(0), 0);
    world.close().await
}

#[tokio::test]
async fn the_function_is_for_those_that_have_the_policy() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    let name: String = world
        .admin
        .query_one(
            "select oid::regprocedure::text from pg_proc where proname like 'lookup%' order by 1 limit 1",
            &[],
        )
        .await?
        .get(0);
    let sql = format!("select {name}");
    // The login has to take the role on first.
    let refused = world
        .raw
        .batch_execute(&sql)
        .await
        .expect_err("no privilege");
    assert_eq!(refused.code().map(|code| code.code()), Some("42501"));
    world.close().await
}

#[tokio::test]
async fn the_drawn_tests_notice_what_is_taken_from_a_function() -> Outcome {
    let guards = guards(SOURCE, Platform::Postgres, scope()).await?;
    assert_eq!(guards, ["boards: form of a value"]);
    Ok(())
}

#[tokio::test]
async fn on_supabase_the_function_reads_the_claims() -> Outcome {
    let mut scope = scope();
    scope.settings[0].name = "request.jwt.claim.sub".into();
    scope.settings[0].claim = Some(vec!["sub".into()]);
    let source = SOURCE.split_whitespace().collect::<Vec<_>>().join(" ");
    let claimed = source.replace("#[setting(\"app.user\")]", "#[claim(\"sub\")]");
    assert_ne!(claimed, source);
    let sql = crate::common::sql(&claimed, Platform::Supabase).expect("it is right");
    assert!(
        sql.contains("where m.user_id = (select auth.uid());"),
        "{sql}"
    );
    let none: [String; 0] = [];
    assert_eq!(guards(&claimed, Platform::Supabase, scope).await?, none);
    Ok(())
}

/// Two scopes whose policies lead to one another and back for neither, and a row that is written.
mod apart {
    use tabellion::{Scope, Table};

    use crate::support::declared;

    pub(super) fn source() -> &'static str {
        SOURCE
    }

    declared! {
        #[derive(Clone, Scope)]
        #[scope(role = "policies_apart")]
        struct Player {
            #[setting("app.player")]
            id: i64,
        }

        #[derive(Clone, Scope)]
        #[scope(role = "policies_referee")]
        struct Referee {
            #[setting("app.referee")]
            id: i64,
        }

        #[derive(Debug, Table)]
        #[table(name = "players", scope = Player)]
        #[primary_key(columns(player, team))]
        #[index(columns(team))]
        #[policy("own", select, using = player == scope.id && !suspended)]
        #[policy("join", insert, check = exists(Team, |t| t.name == team && t.captain == scope.id))]
        #[policy("referees", select, scope = Referee, using = exists(Team, |t| t.name == team && t.referee == scope.id))]
        struct Seat {
            player: i64,
            team: String,
            suspended: bool,
        }

        #[derive(Debug, Table)]
        #[table(name = "player_teams", scope = Player)]
        #[index(columns(captain))]
        #[index(columns(referee))]
        #[policy("of", select, using = exists(Seat, |s| s.team == name && s.player == scope.id))]
        #[policy("judged", select, scope = Referee, using = referee == scope.id)]
        struct Team {
            #[column(primary_key)]
            name: String,
            captain: i64,
            referee: i64,
        }
    }
}

#[tokio::test]
async fn a_function_stands_only_where_policies_lead_back() -> Outcome {
    let sql = crate::common::sql(apart::source(), Platform::Postgres)?;
    // What is asked of a new seat reads teams, whose policy reads seats again.
    assert_eq!(
        sql.matches("create function public.lookup_").count(),
        1,
        "{sql}"
    );
    assert!(
        sql.contains("create function public.lookup_player_teams_name_"),
        "{sql}"
    );
    let roles = ["policies_apart", "policies_referee"];
    let world = World::with(&sql, &roles).await?;
    let rows = "insert into players values (1, 'a', false), (2, 'a', true), (3, 'b', false);
        insert into player_teams values ('a', 1, 9), ('b', 3, 8)";
    world.admin.batch_execute(rows).await?;
    let count = async |role: &str, setting: &str, id: &str, table: &str| {
        world.counts(role, &[(setting, id)], table).await
    };
    for (id, seats, teams) in [("1", 1, 1), ("2", 0, 0), ("3", 1, 1)] {
        assert_eq!(
            count(roles[0], "app.player", id, "players").await,
            Ok(seats)
        );
        assert_eq!(
            count(roles[0], "app.player", id, "player_teams").await,
            Ok(teams)
        );
    }
    assert_eq!(count(roles[1], "app.referee", "9", "players").await, Ok(2));
    assert_eq!(
        count(roles[1], "app.referee", "8", "player_teams").await,
        Ok(1)
    );
    let insert = |id: &str, team: &str| {
        format!(
            "begin; set local role policies_apart; select set_config('app.player', '{id}', true);
             insert into players values (7, '{team}', false); rollback"
        )
    };
    world.raw.batch_execute(&insert("1", "a")).await?;
    let refused = world
        .raw
        .batch_execute(&insert("1", "b"))
        .await
        .expect_err("not the captain");
    assert_eq!(refused.code().map(|code| code.code()), Some("42501"));
    world.raw.batch_execute("rollback").await?;
    world.close().await
}

#[tokio::test]
async fn the_drawn_tests_see_of_members_what_their_policies_show() -> Outcome {
    let asking = |role: &str, name: &str| ProofScope {
        role: role.into(),
        settings: vec![ProofSetting {
            name: name.into(),
            claim: None,
            ty: Type::Int8,
            texts: Vec::new(),
        }],
    };
    let scopes = [
        asking("policies_apart", "app.player"),
        asking("policies_referee", "app.referee"),
    ];
    let schema = crate::common::schema(apart::source(), Platform::Postgres)?;
    let roles = ["policies_apart", "policies_referee"];
    let world = World::of(apart::source(), &roles).await?;
    let tests = tabellion_sql::proof::rls_tests(&schema, &scopes);
    world.admin.simple_query(&tests).await?;
    // A policy of seats that shows more is noticed where teams ask, and not by its own table alone.
    let shown = "alter policy own on players using (player = (select current_setting('app.player', true))::bigint)";
    world.admin.batch_execute(shown).await?;
    let said = world
        .admin
        .simple_query(&tests)
        .await
        .expect_err("it is open");
    let message = said.as_db_error().map(|error| error.message().to_owned());
    assert!(
        message.is_some_and(|it| it.contains("public.player")),
        "{said}"
    );
    world.admin.batch_execute("rollback").await?;
    world.close().await
}
