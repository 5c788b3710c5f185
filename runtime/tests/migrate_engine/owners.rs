//! Whose the ledger is, and who asks: nothing of the owner's runs as a login that may do more, and whoever may read the
//! ledger reads it.

use tabellion::migrate::{Adopt, Approve, Migrator, Repair, Target};
use tabellion::testing::TestDatabase;

use crate::support::{Project, client, database};
use crate::{ALL, engine, run, tables, text};

/// What `enter` and `take_turn` do first in a ledger whose owner has them run something.
async fn trap(owner: &str, sql: &str) {
    let planted = format!(
        "do $do$ begin
           execute replace(pg_get_functiondef('tabellion.take_turn'::regproc), 'begin', $$begin {sql};$$);
           execute replace(pg_get_functiondef('tabellion.enter'::regproc), 'begin', $$begin {sql};$$);
         end $do$"
    );
    client(owner).await.batch_execute(&planted).await.unwrap();
}

/// A login that owns the database, and its role.
pub(crate) async fn owner(database: &TestDatabase) -> (String, String) {
    let login = database.create_login("own", &[]).await.unwrap();
    let name = format!("own_{}", database.name());
    run(
        database,
        &format!(
            "alter database \"{}\" owner to {name}; alter schema public owner to {name}",
            database.name()
        ),
    )
    .await;
    (login, name)
}

/// A database whose owner has applied the first of two migrations; its login and its role.
pub(crate) async fn owned(database: &TestDatabase, project: &Project) -> (String, String) {
    let (login, name) = owner(database).await;
    let set = project.load();
    let first = tabellion::migrate::ApplyOptions {
        to: set.iter().next().map(|first| first.version.clone()),
    };
    engine(&login).await.apply(&set, &first).await.unwrap();
    (login, name)
}

/// Lets a login write rows.
pub(crate) async fn may_write(database: &TestDatabase, name: &str) {
    run(
        database,
        &format!(
            "grant usage on schema tabellion to {name}; grant select, insert on tabellion.ledger to {name};
             grant usage on sequence tabellion.ledger_id_seq to {name}; grant create on schema public to {name}"
        ),
    )
    .await;
}

async fn is_super(database: &TestDatabase, name: &str) -> bool {
    let asked = format!("select rolsuper::text from pg_roles where rolname = '{name}'");
    text(database, &asked).await.as_deref() == Some("true")
}

/// Every command that writes is refused, and says whose the ledger is.
async fn writes_nothing(mut engine: Migrator, project: &Project, owner: &str) {
    let set = project.load();
    let last = set.iter().next_back().unwrap().version.clone();
    let back = crate::back(tabellion::migrate::RollbackTarget::All);
    let all = Approve::AllPending;
    let applied = Repair::Applied;
    for refused in [
        engine.apply(&set, &ALL).await.unwrap_err(),
        engine.dry_run(&set, &ALL).await.unwrap_err(),
        engine.rollback(&set, &back).await.unwrap_err(),
        engine.approve(&set, &all, "ana", None).await.unwrap_err(),
        engine.claim("ana", "copy").await.unwrap_err(),
        engine
            .repair(&set, &last, applied, "ana", "test")
            .await
            .unwrap_err(),
        engine
            .adopt(&set, &Adopt::All, std::slice::from_ref(&last), None)
            .await
            .unwrap_err(),
    ] {
        let said = format!("belongs to `{owner}`, who may do less than this login");
        assert!(refused.to_string().contains(&said), "{refused}");
    }
    assert_eq!(engine.status(&set).await.unwrap().pending(), 1);
}

/// A cast that is implicit, an index whose predicate is folded: what a query's planning finds by itself.
#[tokio::test]
async fn reading_runs_nothing_of_the_owners() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    let rise = format!(
        "if (select rolsuper from pg_roles where rolname = current_user) then
           execute 'alter role {name} superuser'; end if;"
    );
    let planted = format!(
        "create schema x;
         create type x.evil as (t timestamptz);
         create function x.f(e x.evil) returns timestamptz language plpgsql as $$ begin {rise} return (e).t; end $$;
         create cast (x.evil as timestamptz) with function x.f(x.evil) as implicit;
         create function x.g(timestamptz) returns x.evil language sql as 'select row($1)::x.evil';
         create function x.rise() returns void language plpgsql as $$ begin {rise} end $$;
         create function x.is_so(text) returns boolean language sql immutable as 'select true';
         alter table tabellion.ledger disable trigger user;
         alter table tabellion.ledger alter column at type x.evil using x.g(at);
         alter table tabellion.ledger enable always trigger append_only;
         alter table tabellion.ledger enable always trigger stamped;
         create index on tabellion.ledger (event) where x.is_so('x');
         create or replace function x.is_so(text) returns boolean language plpgsql immutable as $$
           begin perform x.rise(); return true; end $$"
    );
    client(&login).await.batch_execute(&planted).await.unwrap();
    let set = project.load();
    let mut admin = engine(database.url()).await;
    assert_eq!(admin.status(&set).await.unwrap().pending(), 1);
    let history = admin.history().await.unwrap();
    assert_eq!(history[0].version, set.iter().next().unwrap().version);
    // What takes it back would run it too.
    let problems = admin.verify(&set).await.unwrap().problems;
    let safe = format!("so its rows are no proof; as `{name}` run `");
    assert!(
        problems.len() == 2 && problems.iter().all(|one| one.contains(&safe)),
        "{problems:?}"
    );
    admin.apply(&set, &ALL).await.unwrap_err();
    admin.dry_run(&set, &ALL).await.unwrap_err();
    assert!(!is_super(&database, &name).await);
}

#[tokio::test]
async fn whoever_can_become_a_superuser_is_one() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    let sudoer = database.create_login("sudoer", &[&name]).await.unwrap();
    let sudoer_name = format!("sudoer_{}", database.name());
    let dba = format!("dba_{}", database.name());
    run(
        &database,
        &format!("create role {dba} superuser nologin; grant {dba} to {sudoer_name}"),
    )
    .await;
    may_write(&database, &sudoer_name).await;
    trap(
        &login,
        &format!("execute 'set local role {dba}'; execute 'alter role {name} superuser'"),
    )
    .await;
    writes_nothing(engine(&sudoer).await, &project, &name).await;
    assert!(!is_super(&database, &name).await);
    // Nor does it matter whom the login says it is.
    for (url, role) in [(sudoer.as_str(), &name), (database.url(), &name)] {
        writes_nothing(engine(&as_role(url, role)).await, &project, &name).await;
    }
    assert!(!is_super(&database, &name).await);
    run(
        &database,
        &format!("drop owned by {dba}; revoke {dba} from {sudoer_name}; drop role {dba}"),
    )
    .await;
}

/// A URL whose session acts as a role from its beginning.
fn as_role(url: &str, role: &str) -> String {
    let apart = if url.contains('?') { '&' } else { '?' };
    format!("{url}{apart}options=-c%20role%3D{role}")
}

#[tokio::test]
async fn a_session_that_acts_as_the_owner_can_return() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    trap(
        &login,
        &format!("execute 'set local role none'; execute 'alter role {name} superuser'"),
    )
    .await;
    let acting = as_role(database.url(), &name);
    writes_nothing(engine(&acting).await, &project, &name).await;
    // Nor is its last row looked at by a query.
    let set = project.load();
    let last = set.iter().next_back().unwrap();
    let planted = format!(
        "create function public.is_so(text) returns boolean language sql immutable as 'select true';
         create index on tabellion.ledger (event) where public.is_so('x');
         create function public.rise() returns void language plpgsql as $$ begin
           if (select rolsuper from pg_roles where rolname = session_user) then
             execute 'set local role none'; execute 'alter role {name} superuser'; end if; end $$;
         create or replace function public.is_so(text) returns boolean language plpgsql immutable as $$
           begin perform public.rise(); return true; end $$"
    );
    client(&login).await.batch_execute(&planted).await.unwrap();
    let refused = engine(&acting).await.apply(&set, &ALL).await.unwrap_err();
    assert!(refused.to_string().contains(&name), "{refused} {last:?}");
    assert!(!is_super(&database, &name).await);
}

#[tokio::test]
async fn a_login_with_another_roles_rights_lends_them_to_nobody() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    let secrets = format!("secrets_{}", database.name());
    let ops_name = format!("ops_{}", database.name());
    let ops = database.create_login("ops", &[&name]).await.unwrap();
    run(
        &database,
        &format!(
            "create role {secrets}; grant {secrets} to {ops_name};
             create schema s authorization {secrets}; create table s.secret (); alter table s.secret owner to {secrets}"
        ),
    )
    .await;
    may_write(&database, &ops_name).await;
    trap(
        &login,
        &format!(
            "if session_user = '{ops_name}' then execute 'set local role {secrets}';
               execute 'grant select on s.secret to {name}'; end if"
        ),
    )
    .await;
    let refused = engine(&ops).await.apply(&project.load(), &ALL).await;
    let said = format!("(it lacks membership in `{secrets}`)");
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains(&said), "{refused}");
    writes_nothing(engine(&ops).await, &project, &name).await;
    let reads = format!("select has_table_privilege('{name}', 's.secret', 'select')::text");
    assert_eq!(text(&database, &reads).await.as_deref(), Some("false"));
    run(
        &database,
        &format!(
            "revoke {secrets} from {ops_name}; drop owned by {secrets} cascade; drop role {secrets}"
        ),
    )
    .await;
}

/// While it waits for the lock, its owner could make something else of the ledger.
#[tokio::test]
async fn a_login_that_may_do_more_is_refused_before_it_waits() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    let holder = client(&login).await;
    holder
        .batch_execute("select pg_advisory_lock(x'746162656c6c696f'::bigint)")
        .await
        .unwrap();
    let engine = engine(database.url()).await;
    let engine = engine.target(Target {
        name: Some("x".into()),
        ..Target::default()
    });
    writes_nothing(engine, &project, &name).await;
}

/// A login is its own equal whatever it is in, and a group's member that of the group.
#[tokio::test]
async fn an_owner_and_a_member_of_the_owner_apply() {
    let (database, project) = (database().await, tables(2));
    let (login, name) = owned(&database, &project).await;
    run(
        &database,
        &format!("grant pg_monitor to {name}; alter role {name} createrole createdb"),
    )
    .await;
    let set = project.load();
    assert_eq!(
        engine(&login).await.apply(&set, &ALL).await.unwrap().len(),
        1
    );
    let bob = database.create_login("bob", &[&name]).await.unwrap();
    let bob_name = format!("bob_{}", database.name());
    may_write(&database, &bob_name).await;
    project.seal_sql(
        "more",
        "create table public.more ();\n",
        "drop table public.more;\n",
    );
    let set = project.load();
    assert_eq!(engine(&bob).await.apply(&set, &ALL).await.unwrap().len(), 1);
    // A group that cannot log in is no remedy.
    run(
        &database,
        &format!("alter role {name} nologin; revoke pg_monitor from {name}; grant pg_monitor to {bob_name}"),
    )
    .await;
    project.seal_sql(
        "most",
        "create table public.most ();\n",
        "drop table public.most;\n",
    );
    let refused = engine(&bob)
        .await
        .apply(&project.load(), &ALL)
        .await
        .unwrap_err();
    let said = format!(
        "who may do less than this login (it lacks membership in `pg_monitor`) and could run statements as whoever \
         applies; apply as a login that is a member of `{name}` and may do no more"
    );
    assert!(refused.to_string().ends_with(&said), "{refused}");
}

/// Since PostgreSQL 16 whoever creates a role is a member of it who may grant it, and no more.
#[tokio::test]
async fn who_made_a_role_applies_what_comes_after() {
    let (database, project) = (database().await, Project::new());
    let (_, name) = owner(&database).await;
    let (one, other) = ("one", "other");
    let first = database.create_login(one, &[&name]).await.unwrap();
    let second = database.create_login(other, &[&name]).await.unwrap();
    let names = [one, other].map(|login| format!("{login}_{}", database.name()));
    let [made_ledger, makes_role] = &names;
    let make = format!(
        "alter role {made_ledger} createrole; alter role {makes_role} createrole;
         grant create on database \"{}\" to {made_ledger}; grant create on schema public to {made_ledger}",
        database.name()
    );
    run(&database, &make).await;
    let table = |n: u32| {
        let up = format!("create table public.t{n} ();\n");
        (up, format!("drop table public.t{n};\n"))
    };
    let (up, down) = table(0);
    project.seal_sql("first", &up, &down);
    engine(&first)
        .await
        .apply(&project.load(), &ALL)
        .await
        .unwrap();
    may_write(&database, makes_role).await;
    for n in 1..3 {
        let (up, down) = table(n);
        project.seal_sql(&format!("more{n}"), &up, &down);
        let applied = engine(&second).await.apply(&project.load(), &ALL).await;
        assert_eq!(applied.unwrap().len(), 1);
        // As a migration of a new scope does.
        let role = format!("create role made_{n}_{} nologin", database.name());
        client(&second).await.batch_execute(&role).await.unwrap();
    }
    for n in 1..3 {
        run(
            &database,
            &format!("drop role made_{n}_{}", database.name()),
        )
        .await;
    }
}
