//! What is found out about files: that they lead exactly back, what they leave, where they fail, what they
//! lock.

use std::collections::BTreeMap;

use tabellion::migrate::{Migrator, Rehearsed, SealOptions, new_hand, seal_hand};

use tabellion_sql::schema::Extension;

use crate::migrate_support::{Project, ROLE, client, database, step};
use crate::{ALONE, left_by, on, rehearsed, scratches};

#[tokio::test]
async fn generated_pairs_are_exact_and_nothing_stays() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let options = on(&database);
    let (found, left) = left_by(&database, rehearsed(&set, &options)).await;
    assert!(found.is_clean(), "{found}");
    assert!(
        left.is_empty() && found.leftovers.is_empty(),
        "{left:?} {found}"
    );
    assert_eq!(found.migrations.len(), 3);
    assert!(
        found.place.contains("on the target's server"),
        "{}",
        found.place
    );
    assert!(found.verification.as_ref().unwrap().compared >= 30);
    // Another step on a table that was there: it is the one thing that somebody could be in the way of.
    let third = &found.migrations[2];
    let locks: Vec<String> = third.up_locks.iter().map(ToString::to_string).collect();
    assert_eq!(locks, ["public.\"order\" (access exclusive)"]);
    assert!(found.migrations[0].up_locks.is_empty(), "{found}");
    assert_eq!(
        found.migrations[1].up_locks[0].mode, "share row exclusive",
        "{found}"
    );
    // The target itself was not touched.
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    assert_eq!(engine.status(&set).await.unwrap().pending(), 3);
    assert!(engine.history().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_rollback_leaves_is_told() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let pairs = [
        (
            "view",
            "create view public.seen as select 1 as one;",
            "select 1;",
        ),
        (
            "function",
            "create function public.half(int) returns int language sql as 'select $1 / 2';",
            "select 1;",
        ),
        (
            "kind",
            "create type public.kind as enum ('a');",
            "select 1;",
        ),
        (
            "check",
            "alter table public.order add constraint positive check (total > 0);",
            "alter table public.order drop constraint positive; alter table public.order alter shop drop not null;",
        ),
    ];
    for (name, up, down) in pairs {
        project.seal_sql(name, up, down);
    }
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    assert!(!found.is_clean());
    let said: BTreeMap<&str, String> = found
        .migrations
        .iter()
        .map(|one| (one.name.as_str(), one.differences.join("\n")))
        .collect();
    assert_eq!(
        said["check"],
        "after the rollback, column `shop` on `public.\"order\"` differs: it was `text not null` and is `text`"
    );
    // Once, of the file that did it, and not of those before it.
    assert_eq!(
        said["kind"],
        "after the rollback, type public.kind was not there before"
    );
    let failures: Vec<_> = found
        .migrations
        .iter()
        .filter_map(|one| one.failure.as_deref())
        .collect();
    assert_eq!(failures.len(), 3, "{found}");
    assert!(
        failures[2].contains("applying again: `migrations/"),
        "{found}"
    );
    assert!(
        failures[2].contains("_kind.sql` failed at line 4"),
        "{found}"
    );
    assert!(
        found.migrations[..3].iter().all(Rehearsed::is_exact),
        "{found}"
    );
    let said = found.verification.as_ref().unwrap().to_string();
    assert!(
        said.starts_with("constraint `positive` on `public.\"order\"` is not expected"),
        "{found}"
    );
    assert!(scratches(&database).await.is_empty());
}

/// Privileges count as what they allow, however they came about; an owner counts; so does what is rare.
#[tokio::test]
async fn rollbacks_by_hand_are_held_to_the_same() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let role = format!("owner_{}", database.name());
    let pairs = [
        (
            "half",
            "create function public.half(int) returns int language sql as 'select $1 / 2'; \
             create view public.seen as select 1 as one;",
            "drop function public.half(int); drop view public.seen;",
        ),
        (
            "closed",
            "revoke execute on function public.half(int) from public; revoke all on public.seen from current_user;",
            "grant execute on function public.half(int) to public; grant all on public.seen to current_user;",
        ),
        (
            "open",
            "grant select on public.seen to public;",
            "revoke select on public.seen from current_user;",
        ),
        (
            "statistics",
            "create statistics public.both on shop, total from public.order;",
            "select 1;",
        ),
        (
            "owner",
            "alter table public.order owner to migrate_test_shop;",
            "select 1;",
        ),
    ];
    let _ = client(database.url())
        .await
        .batch_execute(&format!("create role {ROLE}"))
        .await;
    for (name, up, down) in pairs {
        project.seal_sql(name, up, down);
    }
    project.seal_sql("role", &format!("create role {role};"), "select 1;");
    let found = rehearsed(&project.load(), &on(&database)).await;
    client(database.url())
        .await
        .batch_execute(&format!("drop role {role}"))
        .await
        .unwrap();
    let one = |name: &str| {
        found
            .migrations
            .iter()
            .find(|one| one.name == name)
            .unwrap()
    };
    assert!(
        one("half").is_exact() && one("closed").is_exact(),
        "{found}"
    );
    assert!(!one("open").is_exact(), "{found}");
    assert!(
        one("open").differences[0].contains("view public.seen differs"),
        "{found}"
    );
    assert_eq!(
        one("statistics").differences,
        ["after the rollback, statistics object public.\"both\" was not there before"]
    );
    assert!(
        one("owner").differences[0]
            .starts_with("after the rollback, owner on `public.\"order\"` differs"),
        "{found}"
    );
    assert_eq!(
        found.leftovers,
        [format!(
            "role `{role}` has come, maybe by a migration; `drop role {role}` removes it"
        )]
    );
}

#[tokio::test]
async fn a_file_that_fails_is_a_finding() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    project.seal_sql(
        "broken",
        "alter table public.nowhere add x int;",
        "select 1;",
    );
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    let failure = found.migrations[3].failure.as_deref().unwrap();
    assert!(
        failure.contains("_broken.sql` failed at line 4"),
        "{failure}"
    );
    assert!(found.verification.is_none());
    // Those before it were rehearsed nevertheless.
    assert!(
        found.migrations[..3].iter().all(Rehearsed::is_exact),
        "{found}"
    );
    assert!(scratches(&database).await.is_empty());
}

#[tokio::test]
async fn files_outside_a_transaction_are_rehearsed_too() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let header = "-- Draft.\n-- tabellion: no-transaction\n\n";
    project.seal_text(
        "total",
        &format!("{header}create index concurrently order_total on public.\"order\" (total);\n"),
        &format!("{header}drop index concurrently public.order_total;\n"),
    );
    let set = project.load();
    let found = rehearsed(&set, &on(&database)).await;
    let last = &found.migrations[3];
    assert!(last.is_exact() && last.sampled, "{found}");
    let all = found.verification.as_ref().unwrap();
    assert_eq!(
        all.findings.len(),
        1,
        "the index is none of the sealed schema's: {found}"
    );
}

#[tokio::test]
async fn an_extension_that_lay_anywhere_stays_where_it_was_moved_to() {
    let _alone = ALONE.lock().await;
    let (database, project) = (database().await, Project::sealed());
    let mut schema = step(3);
    for (name, home) in [
        ("any", None),
        ("ext", Some("ext")),
        ("other", Some("other")),
    ] {
        let schema_of = home.map(str::to_owned);
        let extension = Extension { schema: schema_of };
        schema.extensions.insert("citext".into(), extension);
        project.draw(&schema);
        let down = std::fs::read_to_string(project.seal(name).down).unwrap();
        let stays = down.contains("\n-- An extension that it moved stays where it is: ");
        assert_eq!(stays, name == "ext", "{down}");
        let moves = down.contains("alter extension citext set schema ext;");
        assert_eq!(moves, name == "other", "{down}");
    }
    let found = rehearsed(&project.load(), &on(&database)).await;
    assert!(found.is_clean(), "{found}");
}

#[tokio::test]
async fn an_extension_stays_after_a_rollback_as_it_is_meant_to() {
    let _alone = ALONE.lock().await;
    for home in [None, Some("ext".to_owned())] {
        let (database, project) = (database().await, Project::sealed());
        let mut schema = step(3);
        let extension = Extension {
            schema: home.clone(),
        };
        schema.extensions.insert("citext".into(), extension);
        project.draw(&schema);
        let sealed = project.seal("ext");
        let down = std::fs::read_to_string(sealed.down).unwrap();
        assert!(
            down.contains("\n-- Extensions that it installed stay"),
            "{down}"
        );
        let found = rehearsed(&project.load(), &on(&database)).await;
        assert!(found.is_clean(), "{home:?}: {found}");
        // What someone installs by hand is theirs to take away.
        let files = new_hand(project.root(), "by_hand").unwrap();
        std::fs::write(files.up, "\ncreate extension hstore;\n").unwrap();
        std::fs::write(files.down, "\nselect 1;\n").unwrap();
        let options = SealOptions::default();
        seal_hand(project.root(), "by_hand", &options, |_, _| Vec::new()).unwrap();
        let found = rehearsed(&project.load(), &on(&database)).await;
        let said = found.migrations.last().unwrap().differences.join("\n");
        assert!(
            said.starts_with("after the rollback, extension hstore was not there"),
            "{said}"
        );
    }
}
