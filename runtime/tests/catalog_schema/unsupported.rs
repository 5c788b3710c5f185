//! What schema data cannot say is listed, and nothing that it can say is.

use super::{fresh, read, run};

#[tokio::test]
async fn what_cannot_be_said_is_listed() {
    let (_database, client) = fresh().await;
    run(&client, include_str!("unsupported.sql")).await;
    let found = read(&client, &["odd"]).await.unsupported;
    let expected: Vec<&str> = include_str!("unsupported.txt").lines().collect();
    assert_eq!(found, expected, "\n{}", found.join("\n"));
}

/// What PostgreSQL 18 added; earlier servers have none of it.
#[tokio::test]
async fn what_newer_servers_have_is_listed_too() {
    let (_database, client) = fresh().await;
    let version = client
        .query_one("select current_setting('server_version_num')::int4", &[])
        .await
        .expect("a version");
    let newer = version.get::<_, i32>(0) >= 180_000;
    let (table, expected): (&str, &[&str]) = if newer {
        (
            "create table odd.t (id int, range int4range,
             doubled int generated always as (id * 2) virtual,
             constraint lax check (id > 0) not enforced,
             constraint apart unique (id, range without overlaps));
             alter table odd.t add constraint late not null id not valid",
            &[
                "a NOT NULL that is not validated: `late` on `odd.t`",
                "a constraint that is not enforced: `lax` on `odd.t`",
                "a key without overlaps: `apart` on `odd.t`",
                "a virtual generated column: `odd.t.doubled`",
            ],
        )
    } else {
        ("create table odd.t (id int not null)", &[])
    };
    let sql = format!(
        "create schema odd; create extension btree_gist; {table};
         alter table odd.t enable row level security; alter table odd.t force row level security"
    );
    run(&client, &sql).await;
    assert_eq!(read(&client, &["odd"]).await.unsupported, expected);
}
