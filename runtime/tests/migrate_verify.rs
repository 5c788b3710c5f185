//! Verifying: whatever drifts from what was sealed is said, object by object.

mod migrate_support;

use std::collections::BTreeMap;

use migrate_support::{Project, ROLE, client, database, step};
use tabellion::catalog::read_schema;
use tabellion::migrate::{ApplyOptions, Migrations, Migrator};
use tabellion::testing::TestDatabase;
use tabellion::{Database, Error};
use tabellion_sql::schema::{
    Check, Column, Deferrable, Exclusion, ExclusionElement, Expr, Extension, ForeignKey, Generated,
    Index, IndexColumn, IndexKey, Nulls, QualifiedName, ReferentialAction, Rls, Type, Unique,
};

async fn applied() -> (TestDatabase, Migrations, Migrator) {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    (database, set, engine)
}

#[tokio::test]
async fn a_database_as_sealed_is_clean() {
    let (database, set, mut engine) = applied().await;
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.to_string().is_empty(), "{found}");
    assert!(found.compared >= 30, "{}", found.compared);
    // Nothing of the comparison stays, rows do not matter, nor does a second look.
    client(database.url())
        .await
        .batch_execute("insert into public.order (shop, total) values ('a', 1)")
        .await
        .unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let scratch = client(database.url())
        .await
        .query_one(
            "select count(*) from pg_namespace where nspname like 'tabellion_scratch%'",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(scratch.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn every_drift_is_told() {
    let role = ROLE;
    // One change each, and what is said about it.
    let drifts = [
        (
            "drop policy \"Own rows: select\" on \"Desk\".note".to_owned(),
            "policy `Own rows: select` on `\"Desk\".note` is missing; expected `for select to".to_owned(),
        ),
        (
            "alter table public.order no force row level security".into(),
            "row-level security on `public.\"order\"` differs; expected `enabled, forced`, found `enabled, not forced`".into(),
        ),
        (
            "alter table public.order disable row level security".into(),
            "found `disabled, forced`".into(),
        ),
        (
            format!("grant truncate on public.order to {role}"),
            format!("what `{role}` may do on `public.\"order\"` differs; expected `insert, select, update`, found `insert, select, truncate, update`"),
        ),
        (
            "grant select on public.order to public".into(),
            "what `public` may do on `public.\"order\"` is not expected; found `select`".into(),
        ),
        (
            format!("grant select (shop) on public.order to {role}"),
            format!("what `{role} (shop)` may do on `public.\"order\"` is not expected; found `select`"),
        ),
        (
            format!("grant all on schema \"Desk\" to {role}"),
            format!("what `{role}` may do on schema `\"Desk\"` differs; expected `usage`, found `create, usage`"),
        ),
        (
            "alter table public.order alter state set default 'closed'".into(),
            "column `state` on `public.\"order\"` differs; expected `text not null default 'open'::text`, found `text not null default 'closed'::text`".into(),
        ),
        (
            "alter table public.order add extra int".into(),
            "column `extra` on `public.\"order\"` is not expected; found `integer`".into(),
        ),
        (
            "alter table public.order alter total type numeric(12, 2)".into(),
            "expected `numeric(10,2) not null`, found `numeric(12,2) not null`".into(),
        ),
        (
            "alter table public.order alter shop drop not null".into(),
            "column `shop` on `public.\"order\"` differs; expected `text not null`, found `text`".into(),
        ),
        (
            "alter table public.order drop constraint order_state_check".into(),
            "constraint `order_state_check` on `public.\"order\"` is missing".into(),
        ),
        (
            "drop index public.order_open".into(),
            "index `order_open` on `public.\"order\"` is missing; expected `CREATE INDEX order_open ON public.\"order\" USING btree (total) WHERE".into(),
        ),
        (
            "update pg_index set indisvalid = false where indexrelid = 'public.order_shop'::regclass".into(),
            "(invalid)`".into(),
        ),
        (
            "alter policy \"Own rows: update\" on public.order using (true)".into(),
            "using (true) with check".into(),
        ),
        (
            "create policy sly on public.order as permissive for delete using (true)".into(),
            "policy `sly` on `public.\"order\"` is not expected; found `for delete to public using (true)`".into(),
        ),
        (
            "comment on column public.order.state is 'other'".into(),
            "comment `state` on `public.\"order\"` differs; expected `Where the order stands.`, found `other`".into(),
        ),
        (
            "create function public.f() returns trigger language plpgsql as 'begin return new; end'; \
             create trigger sly before insert on public.order for each row execute function public.f()".into(),
            "trigger `sly` on `public.\"order\"` is not expected".into(),
        ),
        (
            "create rule sly as on delete to public.order do instead nothing".into(),
            "rule `sly` on `public.\"order\"` is not expected; found `CREATE RULE sly AS".into(),
        ),
        (
            "alter table \"Desk\".note disable trigger all".into(),
            "constraint `note_order_id_fkey` on `\"Desk\".note` differs; expected `FOREIGN KEY (order_id) REFERENCES public.\"order\"(id) ON DELETE CASCADE`, found `FOREIGN KEY (order_id) REFERENCES public.\"order\"(id) ON DELETE CASCADE (triggers disabled)`".into(),
        ),
        (
            "create table public.sly (id int)".into(),
            "table `public.sly` is not expected".into(),
        ),
        (
            "drop table \"Desk\".note".into(),
            "table `\"Desk\".note` is missing".into(),
        ),
        (
            "drop schema \"Desk\" cascade".into(),
            "schema `\"Desk\"` is missing".into(),
        ),
    ];
    for (sql, said) in drifts {
        let (database, set, mut engine) = applied().await;
        let client = client(database.url()).await;
        client
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let found = engine.verify(&set).await.unwrap();
        assert!(found.to_string().contains(&said), "{sql}\n{found}");
        assert!(!found.is_clean(), "{sql}");
        assert!(found.findings.len() <= 3, "{sql}\n{found}");
    }
}

#[tokio::test]
async fn a_database_behind_the_lock_is_told_so() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!((found.pending.len(), found.compared), (3, 0));
    assert!(
        found
            .to_string()
            .contains("_step_1` is not applied; run `cargo tabellion apply`"),
        "{found}"
    );
}

#[tokio::test]
async fn verifying_stands_in_nobodys_way_and_does_not_hang() {
    let (database, set, mut engine) = applied().await;
    let client = client(database.url()).await;
    let lock = |mode: &str| format!("begin; lock table public.order, \"Desk\".note in {mode} mode");
    client.batch_execute(&lock("exclusive")).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    client.batch_execute("rollback").await.unwrap();
    client
        .batch_execute(&lock("access exclusive"))
        .await
        .unwrap();
    let error = engine.verify(&set).await.unwrap_err().to_string();
    assert!(
        error.contains("; end what holds the table, then try again"),
        "{error}"
    );
    client.batch_execute("rollback").await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
}

/// A login that may read the ledger, and nothing else.
async fn looker(database: &TestDatabase) -> (String, String) {
    let login = database.create_login("looker", &[]).await.unwrap();
    let name = format!("looker_{}", database.name());
    let admin = client(database.url()).await;
    let grant = format!(
        "grant usage on schema tabellion to {name}; grant select on tabellion.ledger to {name};
         revoke create on schema public from public"
    );
    admin.batch_execute(&grant).await.unwrap();
    (login, name)
}

#[tokio::test]
async fn a_login_that_may_create_nothing_verifies() {
    let (database, set, _engine) = applied().await;
    let (login, _) = looker(&database).await;
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared >= 30, "{found}");
    let admin = client(database.url()).await;
    let drift = "alter policy \"Own rows: update\" on public.order using (true)";
    admin.batch_execute(drift).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
    assert!(
        found.to_string().contains("found `for update to"),
        "{found}"
    );
}

#[tokio::test]
async fn a_login_that_may_not_build_for_comparison_is_told() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(1);
    let orders = schema.tables.values_mut().next().expect("the orders");
    orders.exclusions.insert(
        "order_apart".into(),
        Exclusion {
            method: "btree".into(),
            elements: vec![ExclusionElement {
                column: IndexColumn::new("total"),
                operator: "=".into(),
            }],
            predicate: None,
            deferrable: Default::default(),
        },
    );
    project.draw(&schema);
    project.seal("apart");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let (login, name) = looker(&database).await;
    let mut engine = Migrator::connect(&login).await.unwrap();
    let error = engine.verify(&set).await.unwrap_err().to_string();
    assert!(
        error.contains("grant it `create` on the database"),
        "{error}"
    );
    let grant = format!("grant create on database \"{}\" to {name}", database.name());
    client(database.url())
        .await
        .batch_execute(&grant)
        .await
        .unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
}

/// The same comparison, by a service at its start.
#[tokio::test]
async fn a_service_refuses_to_start_on_another_schema() {
    let (database, project) = (database().await, Project::sealed());
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let to = set.iter().nth(1).map(|migration| migration.version.clone());
    engine.apply(&set, &ApplyOptions { to }).await.unwrap();
    let (login, _) = looker(&database).await;
    let service = Database::connect(&login).await.unwrap();
    let error = service.require_schema(&set).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the database is not as sealed: migration `"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("_step_3` is not applied; run `cargo tabellion apply`")
    );
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    service.require_schema(&set).await.unwrap();
    let admin = client(database.url()).await;
    for number in 0..7 {
        let add = format!("alter table public.order add extra_{number} int");
        admin.batch_execute(&add).await.unwrap();
    }
    let error = service.require_schema(&set).await.unwrap_err();
    let Error::Schema(unfit) = &error else {
        panic!("{error}");
    };
    assert_eq!(unfit.verification.findings.len(), 7);
    assert!(error.to_string().contains("column `extra_4`"), "{error}");
    assert!(
        error
            .to_string()
            .ends_with("and 2 more; `cargo tabellion verify` tells them all"),
        "{error}"
    );
    // A login that may not even look is told what it lacks.
    let blind = database.create_login("blind", &[]).await.unwrap();
    let error = Database::connect(&blind)
        .await
        .unwrap()
        .require_schema(&set)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Verify(_)), "{error}");
}

/// Two indexes, a predicate and expressions in each of many forms: predicted as PostgreSQL prints them, so
/// that nobody needs the right to have the server build them.
#[tokio::test]
async fn a_prediction_reads_as_the_server_prints() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(3);
    let note = schema.tables.keys().next().expect("the notes").clone();
    let key = QualifiedName::new("public", "order");
    let orders = schema.tables.get_mut(&key).expect("the orders");
    let mut at = Column::new("changed at", Type::Timestamp(Some(3)));
    at.updated_at = true;
    at.default = Some("now()".into());
    let mut big = Column::new("big", Type::Int8);
    big.generated = Some(Generated::IdentityByDefault);
    let mut twice = Column::new("twice", Type::Numeric(None));
    twice.computed = Some(Expr::new("total * 2", ["total"]));
    twice.nullable = true;
    let mut word = Column::new("Select", Type::Varchar(Some(20)));
    word.collation = Some("\"C\"".into());
    let mut tags = Column::new("tags", Type::Array(Box::new(Type::Text)));
    tags.default = Some("'{}'".into());
    orders.columns.extend([at, big, twice, word, tags]);
    orders.uniques.insert(
        "order_both".into(),
        Unique {
            columns: vec!["shop".into(), "Select".into()],
            nulls_not_distinct: true,
            deferrable: Deferrable::Deferred,
        },
    );
    orders.uniques.insert(
        "order_big".into(),
        Unique {
            columns: vec!["big".into()],
            ..Unique::default()
        },
    );
    let part = |key: IndexKey| IndexColumn::over(key);
    let plain = Index {
        include: vec!["state".into()],
        unique: true,
        nulls_not_distinct: true,
        ..Index::new([
            IndexColumn {
                nulls: Some(Nulls::First),
                ..IndexColumn::new("Select")
            },
            IndexColumn {
                nulls: Some(Nulls::Last),
                ..IndexColumn::new("total").descending()
            },
        ])
    };
    let odd = Index {
        unique: true,
        with: BTreeMap::from([("fillfactor".into(), "70".into())]),
        predicate: Some(Expr::new(
            "total between 1 and 9 or state like 'o%'",
            ["total", "state"],
        )),
        ..Index::new([
            part(IndexKey::Expression(Expr::new(
                "lower(shop) || state",
                ["shop", "state"],
            ))),
            IndexColumn {
                collation: Some("\"C\"".into()),
                opclass: Some("text_pattern_ops".into()),
                ..IndexColumn::new("state").descending()
            },
        ])
    };
    let gin = Index {
        method: "gin".into(),
        ..Index::new([IndexColumn::new("tags")])
    };
    orders.indexes.extend([
        ("order plain".into(), plain),
        ("order_odd".into(), odd),
        ("order_gin".into(), gin),
    ]);
    let Rls::Enabled(policies) = &mut orders.rls else {
        panic!("row-level security is on");
    };
    let reads = "shop in (select upper(n.shop) from \"Desk\".note n where n.order_id = big and length(state) > 1)";
    let mut expr = Expr::new(reads, ["shop", "big", "state"]);
    expr.tables.insert("\"Desk\".note".into());
    let policy = policies.values_mut().next().expect("a policy");
    policy.check = policy.check.as_ref().map(|_| expr.clone());
    policy.using = policy.using.as_ref().map(|_| expr);
    let notes = schema.tables.get_mut(&note).expect("the notes");
    let reference = notes
        .foreign_keys
        .values_mut()
        .next()
        .expect("a foreign key");
    reference.on_update = ReferentialAction::Cascade;
    reference.deferrable = Deferrable::Immediate;
    notes.columns.push(Column {
        nullable: true,
        ..Column::new("big", Type::Int8)
    });
    notes.foreign_keys.insert(
        "note_big_fkey".into(),
        ForeignKey {
            on_delete: ReferentialAction::SetNull,
            on_delete_columns: vec!["big".into()],
            ..ForeignKey::new(["big"], key, ["big"])
        },
    );
    notes.rls = Rls::Disabled("it's public".into());
    project.draw(&schema);
    project.seal("forms");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let (login, name) = looker(&database).await;
    // What a policy reads in another schema is visible to the schema's role.
    let grant = format!("alter role {name} inherit; grant {ROLE} to {name}");
    let admin = client(database.url()).await;
    admin.batch_execute(&grant).await.unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    assert!(found.compared > 40, "{}", found.compared);
}

#[tokio::test]
async fn who_owns_a_table_or_a_function_matters() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let (_, stranger) = looker(&database).await;
    let give = format!("alter table public.order owner to {stranger}");
    admin.batch_execute(&give).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    // As a superuser this login may do what anyone may; the owner is told as one among its roles.
    assert!(found.is_empty() || found.contains("owner of"), "{found}");
    let login = database.create_login("other", &[]).await.unwrap();
    let other = format!("other_{}", database.name());
    let grant = format!(
        "grant usage on schema tabellion to {other}; grant select on tabellion.ledger to {other}"
    );
    admin.batch_execute(&grant).await.unwrap();
    let mut engine = Migrator::connect(&login).await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    let said = format!("owner of `public.\"order\"` is not expected; found `{stranger}`");
    assert!(found.contains(&said), "{found}");
    admin
        .batch_execute(&format!("alter table public.order owner to {ROLE}"))
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains(&format!("is not expected; found `{ROLE}`")),
        "{found}"
    );
    admin
        .batch_execute("alter table public.order owner to current_user")
        .await
        .unwrap();
}

#[tokio::test]
async fn an_extension_that_is_gone_or_elsewhere_is_told() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(1);
    let schema_of = |schema: &str| Extension {
        schema: Some(schema.into()),
    };
    schema
        .extensions
        .insert("citext".into(), schema_of("tools"));
    project.draw(&schema);
    project.seal("tools");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let admin = client(database.url()).await;
    admin
        .batch_execute("alter extension citext set schema public")
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains(
            "extension `citext` differs; expected `in schema tools`, found `in schema public`"
        ),
        "{found}"
    );
    admin.batch_execute("drop extension citext").await.unwrap();
    let found = engine.verify(&set).await.unwrap().to_string();
    assert!(
        found.contains("extension `citext` is missing; expected `in schema tools`"),
        "{found}"
    );
}

/// Quotes of every kind, line breaks, and what a message could break out by.
#[tokio::test]
async fn hostile_names_are_compared_like_others() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(2);
    let hostile = "a'b\"c$$d\ne\\ --; /* USING";
    let (order, orders) = schema.tables.pop_last().expect("the orders");
    assert_eq!(order.name, "order");
    let mut table = orders;
    let name = QualifiedName::new(hostile, "o'\"$$\n USING x");
    table.columns.push(Column::new(hostile, Type::Text));
    let check = Expr::new(
        format!(
            "{} in ('it''s', '$$', E'\\n')",
            tabellion_sql::ident::quote(hostile)
        ),
        [hostile.to_owned()],
    );
    table
        .checks
        .insert(format!("{hostile} check"), Check::new(check.clone()));
    let index = Index {
        predicate: Some(check),
        ..Index::new([IndexColumn::new(hostile)])
    };
    table.indexes.insert(format!("{hostile} index"), index);
    let Rls::Enabled(policies) = &mut table.rls else {
        panic!("row-level security is on");
    };
    let (_, policy) = policies.pop_first().expect("a policy");
    policies.insert(format!("{hostile} policy"), policy);
    for notes in schema.tables.values_mut() {
        for key in notes.foreign_keys.values_mut() {
            key.table = name.clone();
        }
    }
    schema.tables.insert(name.clone(), table);
    project.draw(&schema);
    project.seal("hostile");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    let (login, _) = looker(&database).await;
    let mut looking = Migrator::connect(&login).await.unwrap();
    let found = looking.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let drift = format!(
        "alter table {name} drop constraint {}",
        tabellion_sql::ident::quote(&format!("{hostile} check"))
    );
    client(database.url())
        .await
        .batch_execute(&drift)
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(found.findings.len(), 1, "{found}");
}

#[tokio::test]
async fn a_role_that_is_gone_is_told() {
    let (database, project) = (database().await, Project::new());
    let role = format!("gone_{}", database.name());
    let mut schema = migrate_support::step(1);
    schema.tables.clear();
    schema.roles = [(role.clone(), tabellion_sql::schema::Role::Created)].into();
    project.draw(&schema);
    project.seal("role");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    assert!(engine.verify(&set).await.unwrap().is_clean());
    let drop = format!("drop role \"{role}\"");
    client(database.url())
        .await
        .batch_execute(&drop)
        .await
        .unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert_eq!(
        found.to_string(),
        format!("role `{role}` does not exist on this server; create it\n")
    );
}

#[tokio::test]
async fn settings_and_schemas_of_the_database_do_not_matter() {
    let (database, set, _engine) = applied().await;
    let admin = client(database.url()).await;
    for setting in [
        "quote_all_identifiers = on",
        "standard_conforming_strings = off",
    ] {
        let sql = format!("alter database \"{}\" set {setting}", database.name());
        admin.batch_execute(&sql).await.unwrap();
    }
    admin
        .batch_execute(
            "create schema tabellion_scratch_0; create table tabellion_scratch_0.kept (id int)",
        )
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared >= 30, "{found}");
    let kept = "select from tabellion_scratch_0.kept";
    admin.batch_execute(kept).await.unwrap();
}

#[tokio::test]
async fn a_role_above_the_policies_is_told() {
    let (database, project) = (database().await, Project::new());
    let (role, group) = (
        format!("above_{}", database.name()),
        format!("group_{}", database.name()),
    );
    let mut schema = migrate_support::step(1);
    schema.tables.clear();
    schema.roles = [(role.clone(), tabellion_sql::schema::Role::Created)].into();
    project.draw(&schema);
    project.seal("role");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let admin = client(database.url()).await;
    let create = format!("create role \"{group}\" bypassrls");
    admin.batch_execute(&create).await.unwrap();
    for (change, undo, said) in [
        (
            "alter role {role} bypassrls",
            "alter role {role} nobypassrls",
            "bypassrls",
        ),
        (
            "alter role {role} superuser",
            "alter role {role} nosuperuser",
            "superuser",
        ),
        (
            "grant pg_read_all_data to {role}",
            "revoke pg_read_all_data from {role}",
            "member of pg_read_all_data",
        ),
        (
            "grant {group} to {role}; alter role {role} noinherit",
            "revoke {group} from {role}",
            "member of {group}",
        ),
    ] {
        let named = |sql: &str| {
            sql.replace("{role}", &format!("\"{role}\""))
                .replace("{group}", &group)
        };
        assert!(engine.verify(&set).await.unwrap().is_clean());
        admin.batch_execute(&named(change)).await.unwrap();
        let found = engine.verify(&set).await.unwrap().to_string();
        let expected = format!(
            "what role `{role}` may do beyond grants and policies is not expected; found `{}`\n",
            named(said)
        );
        assert_eq!(found, expected);
        admin.batch_execute(&named(undo)).await.unwrap();
    }
    let drop = format!("drop role \"{group}\"; drop role \"{role}\"");
    admin.batch_execute(&drop).await.unwrap();
}

/// Names that a literal must escape: a serial column's default holds them within one.
#[tokio::test]
async fn names_with_quotes_are_no_drift() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(1);
    let orders = schema.tables.into_values().next().expect("the orders");
    let tables = [
        ("public", "it's \\ here"),
        ("it's", "order"),
        ("it's \\ there", "order"),
        ("back\\slash", "it's"),
        ("plain", "back\\slash"),
    ];
    schema.tables = tables
        .into_iter()
        .enumerate()
        .map(|(number, (schema, table))| {
            let mut orders = orders.clone();
            let index = orders.indexes.remove("order_shop").expect("the index");
            orders.indexes.insert(format!("order_shop_{number}"), index);
            let key = orders.primary_key.as_mut().expect("the key");
            key.name = format!("order_pkey_{number}");
            (QualifiedName::new(schema, table), orders)
        })
        .collect();
    project.draw(&schema);
    project.seal("quotes");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    let admin = client(database.url()).await;
    let read = read_schema(&admin, schema.namespaces()).await.unwrap();
    assert!(read.unsupported.is_empty(), "{:?}", read.unsupported);
    let serials = read.schema.tables.values().filter(|table| {
        let id = table.column("id");
        id.and_then(|id| id.generated) == Some(Generated::Serial)
    });
    assert_eq!(serials.count(), tables.len());
}

#[tokio::test]
async fn a_schema_of_someone_else_is_used_as_it_is() {
    let (database, project) = (database().await, Project::new());
    let admin = client(database.url()).await;
    admin
        .batch_execute("create schema \"Desk\"; grant all on schema \"Desk\" to public")
        .await
        .unwrap();
    let mut schema = step(2);
    schema.external_schemas.insert("Desk".into());
    project.draw(&schema);
    project.seal("desk");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean() && found.compared > 20, "{found}");
    admin
        .batch_execute(&project.read(format!(
            "rollbacks/{}_desk.sql",
            set.iter().next_back().unwrap().version
        )))
        .await
        .unwrap();
    let left = "select count(*) from pg_namespace where nspname = 'Desk'";
    let left = admin.query_one(left, &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 1);
}
