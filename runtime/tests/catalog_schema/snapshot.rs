//! A snapshot tells apart whatever the vocabulary tells apart, and nothing else.

use std::collections::BTreeSet;

use tabellion::catalog::Snapshot;

use super::{fresh, run};

const BASE: &str = "
    create schema s;
    create extension btree_gist;
    create table s.t (
      id int not null,
      a int not null,
      b text,
      during tstzrange,
      twice int generated always as (a * 2) stored,
      at timestamptz not null default '2026-01-01 00:00:00+00',
      constraint t_pkey primary key (id),
      constraint t_a_key unique (a, b),
      constraint t_self foreign key (a) references s.t (id),
      constraint t_check check (a > 0),
      constraint apart exclude using gist (a with =, during with &&)
    );
    create index t_idx on s.t (a, b) include (at) with (fillfactor = 70, deduplicate_items = off) where a > 1;
    create function s.touch_at() returns trigger language plpgsql as
      'begin new.at := now(); return new; end';
    create trigger touch_at before update on s.t for each row execute function s.touch_at();
    create table s.p (id int, at timestamptz not null, unique (id, at)) partition by range (at);
    create table s.p_2026 partition of s.p
      for values from ('2026-01-01 00:00:00+00') to ('2027-01-01 00:00:00+00');
    create index p_id_idx on s.p (id);
    create table s.q (like s.p) partition by range (at)";

/// A statement, and the objects that it makes other ones.
const CHANGES: [(&str, &[&str]); 24] = [
    (
        "alter table s.t alter constraint t_self deferrable",
        &["constraint `t_self` on `s.t`"],
    ),
    (
        "alter table s.t alter constraint t_self deferrable; alter table s.t alter constraint t_self deferrable initially deferred",
        &["constraint `t_self` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint t_pkey cascade; alter table s.t add constraint t_pkey primary key (id) deferrable",
        &[
            "constraint `t_pkey` on `s.t`",
            "constraint `t_self` on `s.t`",
        ],
    ),
    (
        "alter table s.t drop constraint t_a_key; alter table s.t add constraint t_a_key unique nulls not distinct (a, b)",
        &["constraint `t_a_key` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint t_check; alter table s.t add constraint t_check check (a > 0) not valid",
        &["constraint `t_check` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint t_self; alter table s.t add constraint t_self foreign key (a) references s.t (id) not valid",
        &["constraint `t_self` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint t_self; alter table s.t add constraint t_self foreign key (a) references s.t (id) on update cascade",
        &["constraint `t_self` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint apart; alter table s.t add constraint apart exclude using gist (a with <>, during with &&)",
        &["constraint `apart` on `s.t`"],
    ),
    (
        "alter table s.t drop constraint apart; alter table s.t add constraint apart exclude using gist (a with =, during with &&) where (a > 1)",
        &["constraint `apart` on `s.t`"],
    ),
    (
        "alter table s.t alter twice drop expression",
        &["column `twice` on `s.t`"],
    ),
    (
        "alter table s.t alter b type text collate \"C\"",
        &["column `b` on `s.t`"],
    ),
    (
        "alter table s.t alter b type varchar(5)",
        &["column `b` on `s.t`"],
    ),
    (
        "alter table s.t alter at type timestamptz(3)",
        &["column `at` on `s.t`"],
    ),
    (
        "alter index s.t_idx set (fillfactor = 80)",
        &["index `t_idx` on `s.t`"],
    ),
    (
        "alter index s.t_idx reset (fillfactor)",
        &["index `t_idx` on `s.t`"],
    ),
    (
        "drop index s.t_idx; create index t_idx on s.t (a, b) include (at) with (fillfactor = 70, deduplicate_items = off)",
        &["index `t_idx` on `s.t`"],
    ),
    (
        "create or replace function s.touch_at() returns trigger language plpgsql as 'begin return new; end'",
        &["function `s.touch_at()`"],
    ),
    (
        "revoke all on function s.touch_at() from public",
        &["what `public` may do on `s.touch_at()`"],
    ),
    (
        "drop function s.touch_at() cascade",
        &["function `s.touch_at()`", "trigger `touch_at` on `s.t`"],
    ),
    (
        "drop trigger touch_at on s.t",
        &["trigger `touch_at` on `s.t`"],
    ),
    (
        "alter table s.p detach partition s.p_2026; alter table s.p attach partition s.p_2026 for values from ('2026-01-01 00:00:00+00') to ('2026-12-31 23:59:59+00')",
        &["table `s.p_2026`"],
    ),
    (
        "alter table s.p detach partition s.p_2026; drop index s.p_2026_id_idx; alter table s.p_2026 drop constraint p_2026_id_at_key; alter table s.q attach partition s.p_2026 for values from ('2026-01-01 00:00:00+00') to ('2027-01-01 00:00:00+00')",
        &["table `s.p_2026`"],
    ),
    (
        "create index on s.p_2026 (at)",
        &["index `p_2026_at_idx` on `s.p_2026`"],
    ),
    (
        "alter table s.p_2026 add constraint more check (id > 0)",
        &["constraint `more` on `s.p_2026`"],
    ),
];

/// What differs in the catalog and means the same.
const SAME: [&str; 4] = [
    "alter index s.t_idx reset (fillfactor); alter index s.t_idx set (fillfactor = 70)",
    "alter index s.p_2026_id_idx rename to other_idx",
    "alter table s.t add column gone int; alter table s.t drop column gone",
    "set timezone = 'America/New_York'; set datestyle = 'German'; set quote_all_identifiers = off",
];

#[tokio::test]
async fn every_difference_is_told_and_nothing_else_is() {
    let (_database, client) = fresh().await;
    run(&client, BASE).await;
    let base = snapshot(&client).await;
    let mut wrong = Vec::new();
    let same = SAME.iter().map(|sql| (*sql, &[] as &[&str]));
    for (sql, expected) in CHANGES.into_iter().chain(same) {
        // Each change starts from the same tables.
        run(&client, "drop schema s cascade; drop extension btree_gist").await;
        run(&client, BASE).await;
        run(&client, sql).await;
        let findings = base.diff(&snapshot(&client).await);
        let found: BTreeSet<String> = findings.iter().map(|f| f.object.to_string()).collect();
        if found != expected.iter().map(|object| (*object).to_owned()).collect() {
            wrong.push(format!("{sql}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn snapshot(client: &tokio_postgres::Client) -> Snapshot {
    Snapshot::read(client, ["s"]).await.expect("a snapshot")
}
