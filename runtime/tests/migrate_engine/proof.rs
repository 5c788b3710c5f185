//! Whether the ledger is one whose rows nobody can change: `verify` says what makes it otherwise.

use tabellion::migrate::{ApplyOptions, Approve, RollbackOptions, RollbackTarget};

use crate::support::{Project, client, database};
use crate::{engine, run, tables};

#[tokio::test]
async fn what_lets_rows_be_changed_is_told_with_its_remedy() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    for (sql, said) in [
        (
            "alter table tabellion.ledger disable trigger append_only",
            "is missing or was changed",
        ),
        (
            "alter table tabellion.ledger enable trigger append_only",
            "is missing or was changed",
        ),
        (
            "drop trigger append_only on tabellion.ledger",
            "is missing or was changed",
        ),
        (
            "create or replace function tabellion.refuse_change() returns trigger language plpgsql
             set search_path = '' as $$ begin return null; end $$",
            "function `tabellion.refuse_change` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger disable trigger stamped",
            "the ledger's trigger `stamped` is missing or was changed",
        ),
        (
            "drop trigger stamped on tabellion.ledger",
            "the ledger's trigger `stamped` is missing or was changed",
        ),
        (
            "create or replace function tabellion.stamp_row() returns trigger language plpgsql
             security definer set search_path = '' as $$ begin
               new.id := nextval('tabellion.ledger_id_seq'); return new; end $$",
            "function `tabellion.stamp_row` is missing or was changed",
        ),
        (
            "alter function tabellion.stamp_row() set search_path = public",
            "function `tabellion.stamp_row` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'drop function ' || oid::regprocedure from pg_proc where proname = 'enter'); end $$",
            "function `tabellion.enter` is missing or was changed",
        ),
        (
            "do $$ begin execute replace(
               pg_get_functiondef('tabellion.enter'::regproc), 'enter.note,', 'upper(enter.note),'); end $$",
            "function `tabellion.enter` is missing or was changed",
        ),
        (
            "do $$ begin execute replace(
               pg_get_functiondef('tabellion.take_turn'::regproc), 'raise exception', 'raise warning'); end $$",
            "function `tabellion.take_turn` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'alter function ' || oid::regprocedure || ' reset enable_seqscan' from pg_proc
               where proname = 'take_turn'); end $$",
            "function `tabellion.take_turn` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'alter function ' || oid::regprocedure || ' strict' from pg_proc where proname = 'enter'); end $$",
            "function `tabellion.enter` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'alter function ' || oid::regprocedure || ' stable' from pg_proc
               where proname = 'take_turn'); end $$",
            "function `tabellion.take_turn` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'revoke execute on function ' || oid::regprocedure || ' from public' from pg_proc
               where proname = 'enter'); end $$",
            "function `tabellion.enter` is missing or was changed",
        ),
        (
            "do $$ begin execute (
               select 'drop function ' || oid::regprocedure from pg_proc where proname = 'take_turn'); end $$;
             create function tabellion.take_turn(k bigint, l bigint, a bigint, e text, v text) returns int
               language sql as 'select 1'",
            "function `tabellion.take_turn` is missing or was changed",
        ),
        (
            "grant update on sequence tabellion.ledger_id_seq to pg_monitor",
            "may UPDATE on sequence tabellion.ledger_id_seq",
        ),
        (
            "grant update on tabellion.ledger to public",
            "role `public` may UPDATE on table",
        ),
        (
            "grant insert on tabellion.ledger to public",
            "role `public` may INSERT on table",
        ),
        (
            "grant truncate on tabellion.ledger to current_user",
            "may TRUNCATE on table",
        ),
        (
            "grant update (note) on tabellion.ledger to pg_monitor",
            "role `pg_monitor` may UPDATE (note) on",
        ),
        (
            "grant create on schema tabellion to pg_monitor",
            "may CREATE on schema tabellion",
        ),
        (
            "alter function tabellion.stamp_row() security definer",
            "function `tabellion.stamp_row` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger drop column link",
            "the ledger's column `link` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger alter position type bigint",
            "the ledger's column `position` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger alter actor drop not null",
            "the ledger's column `actor` is missing or was changed",
        ),
        (
            "alter table tabellion.ledger drop constraint ledger_pkey",
            "the ledger has no primary key",
        ),
        (
            "alter table tabellion.ledger drop constraint ledger_pkey, add primary key (id, event)",
            "the ledger has no primary key of its numbers",
        ),
        (
            "alter table tabellion.ledger alter position type text",
            "the ledger's column `position` is missing or was changed",
        ),
        (
            "create schema mother; create table mother.of_it (like tabellion.ledger);
             alter table mother.of_it alter id drop not null; alter table tabellion.ledger inherit mother.of_it",
            "the ledger is part of table `mother.of_it`, through which its rows are changed",
        ),
        (
            "create table mother.parted (like tabellion.ledger) partition by list (event);
             alter table mother.parted attach partition tabellion.ledger default",
            "the ledger is part of table `mother.parted`",
        ),
        (
            "alter sequence tabellion.ledger_id_seq increment -1 minvalue -50 start -50 restart -50",
            "sequence `tabellion.ledger_id_seq` is missing or was changed",
        ),
        (
            "select setval('tabellion.ledger_id_seq', 9223372036854775807)",
            "sequence `tabellion.ledger_id_seq` has few numbers left",
        ),
        (
            "alter table tabellion.ledger set unlogged",
            "the ledger is not logged, so that a crash empties it",
        ),
        (
            "create schema other; create table other.child () inherits (tabellion.ledger)",
            "table `other.child` inherits from the ledger",
        ),
        (
            "alter sequence tabellion.ledger_id_seq maxvalue 1000 cycle",
            "sequence `tabellion.ledger_id_seq` is missing or was changed",
        ),
        (
            "drop sequence tabellion.ledger_id_seq",
            "sequence `tabellion.ledger_id_seq` is missing or was changed",
        ),
    ] {
        run(&database, sql).await;
        let found = engine.verify(&set).await.unwrap();
        assert_eq!(found.problems.len(), 1, "{sql}: {found}");
        assert!(found.problems[0].contains(said), "{found}");
        assert!(found.compared > 0 && found.findings.is_empty(), "{found}");
        // Its remedy is one.
        let (_, remedy) = found.problems[0].split_once("; run `").unwrap();
        run(&database, remedy.trim_end_matches('`')).await;
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{sql}: {found}");
        assert_eq!(found.notes, [""; 0]);
    }
    // What was granted on goes with the grant, by one remedy or after another.
    let one = database.create_login("one", &[]).await.unwrap();
    database.create_login("two", &[]).await.unwrap();
    let [first, second] = ["one", "two"].map(|who| format!("{who}_{}", database.name()));
    for (privilege, whom) in [("update", second.as_str()), ("insert", "public")] {
        let grant = format!(
            "grant select, {privilege} on tabellion.ledger to {first} with grant option;
             grant usage on schema tabellion to {first}"
        );
        run(&database, &grant).await;
        let grant = format!("grant {privilege} on tabellion.ledger to {whom}");
        client(&one).await.batch_execute(&grant).await.unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert_eq!(found.problems.len(), 2, "{found}");
        for problem in &found.problems {
            let (_, remedy) = problem.split_once("; run `").unwrap();
            run(&database, remedy.trim_end_matches('`')).await;
        }
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{found}");
        let revoke = format!("revoke all on tabellion.ledger from {first}");
        run(&database, &revoke).await;
    }
    // Whoever applies without owning it reads and adds.
    run(
        &database,
        "grant select, insert on tabellion.ledger to pg_monitor",
    )
    .await;
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    assert_eq!(
        found.notes,
        ["role `pg_monitor` may enter rows in the ledger, each under the name of its login"]
    );
    run(
        &database,
        &format!(
            "revoke insert on tabellion.ledger from pg_monitor; grant pg_write_all_data to {second}"
        ),
    )
    .await;
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let said = format!(
        "role `{second}` may enter rows in the ledger and set the sequence of their numbers, as a"
    );
    assert!(
        found.notes.len() == 1 && found.notes[0].starts_with(&said),
        "{:?}",
        found.notes
    );
}

#[tokio::test]
async fn nothing_is_run_where_its_row_could_not_be_entered() {
    let (database, project) = (database().await, Project::new());
    project.seal_sql(
        "one",
        "create table public.one ();\n",
        "drop table public.one;\n",
    );
    let mut engine = engine(database.url()).await;
    engine
        .apply(&project.load(), &ApplyOptions::default())
        .await
        .unwrap();
    project.seal_sql(
        "two",
        "create table public.two ();\n",
        "drop table public.two;\n",
    );
    let (set, all) = (project.load(), ApplyOptions::default());
    let drop = "do $$ begin execute (
        select 'drop function ' || oid::regprocedure from pg_proc where proname = 'take_turn'); end $$";
    run(&database, drop).await;
    let back = RollbackOptions {
        target: RollbackTarget::All,
        accept_data_loss: true,
        accept_wider_access: true,
    };
    for error in [
        engine.apply(&set, &all).await.unwrap_err(),
        engine.dry_run(&set, &all).await.unwrap_err(),
        engine.rollback(&set, &back).await.unwrap_err(),
    ] {
        assert!(
            error.to_string().starts_with(
                "the ledger lacks function `tabellion.take_turn`, without which no row is entered;"
            ),
            "{error}"
        );
    }
    let found = engine.verify(&set).await.unwrap();
    let (_, remedy) = found.problems[0].split_once("; run `").unwrap();
    run(&database, remedy.trim_end_matches('`')).await;
    assert_eq!(engine.apply(&set, &all).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_enters_a_row_is_not_for_the_row_to_say() {
    let (database, project) = (database().await, Project::sealed());
    let (set, mut engine) = (project.load(), engine(database.url()).await);
    run(
        &database,
        "alter default privileges revoke execute on functions from public",
    )
    .await;
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let login = database.create_login("deploy", &[]).await.unwrap();
    let name = format!("deploy_{}", database.name());
    let grant = format!(
        "grant usage on schema tabellion to {name}; grant select, insert on tabellion.ledger to {name};
         grant usage on sequence tabellion.ledger_id_seq to {name}"
    );
    run(&database, &grant).await;
    let deploy = client(&login).await;
    let admin = client(database.url()).await;
    let replica = "set session_replication_role = replica";
    admin.batch_execute(replica).await.unwrap();
    let migration = set.iter().next().unwrap();
    let forged = format!(
        "insert into tabellion.ledger
           (id, event, version, name, checksum, rollback_checksum, actor, at, duration_ms, tool)
         overriding system value
         values (0, 'approved', '{}', 'x', '{}', '{}', 'ana', '1999-01-01', 0, 'x')",
        migration.version, migration.checksum, migration.rollback_checksum
    );
    let mut last = engine.history().await.unwrap().last().unwrap().id;
    for (client, actor) in [(&deploy, Some(&name)), (&admin, None)] {
        client.batch_execute(&forged).await.unwrap();
        let history = engine.history().await.unwrap();
        let entry = history.last().unwrap();
        assert_eq!(entry.id, last + 1);
        last = entry.id;
        assert!(actor.is_none_or(|name| *name == entry.actor), "{entry:?}");
        assert_ne!(entry.actor, "ana");
        assert!(entry.at.as_str() > "2020", "{entry:?}");
    }
    // By the function, which runs with its rights, it says as much.
    let row = deploy
        .query_one(
            "select tabellion.enter('approved', version, name, checksum, rollback_checksum, null, false, 'ana', null,
               null, 0, 'x', null) from tabellion.ledger where id = 1",
            &[],
        )
        .await
        .unwrap();
    assert!(row.get::<_, String>(0).ends_with(&format!(" {name}")));
    assert_eq!(engine.history().await.unwrap().last().unwrap().actor, name);
    // Nor may it move the numbers.
    let moved = deploy
        .batch_execute("select setval('tabellion.ledger_id_seq', 1)")
        .await;
    assert!(moved.is_err());
    // Without its trigger nothing is entered.
    let disable = "alter table tabellion.ledger disable trigger stamped";
    run(&database, disable).await;
    let all = Approve::Versions(vec![migration.version.clone()]);
    let error = engine.approve(&set, &all, "Ana", None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("; see what `cargo tabellion verify` says of the ledger"),
        "{error}"
    );
}

#[tokio::test]
async fn an_owner_who_is_no_superuser_makes_it_and_mends_it() {
    let (database, project) = (database().await, tables(1));
    let set = project.load();
    let login = database.create_login("owner", &[]).await.unwrap();
    let grant = format!(
        "grant create on database \"{0}\" to owner_{0}; grant create on schema public to owner_{0}",
        database.name()
    );
    run(&database, &grant).await;
    let (mut engine, owner) = (engine(&login).await, client(&login).await);
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    for trigger in ["append_only", "stamped"] {
        let drop = format!("drop trigger {trigger} on tabellion.ledger");
        owner.batch_execute(&drop).await.unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert_eq!(found.problems.len(), 1, "{found}");
        let (_, remedy) = found.problems[0].split_once("; run `").unwrap();
        owner
            .batch_execute(remedy.trim_end_matches('`'))
            .await
            .unwrap();
        let found = engine.verify(&set).await.unwrap();
        assert!(found.problems.is_empty(), "{found}");
    }
}
