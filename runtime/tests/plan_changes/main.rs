//! Every change that a plan knows: from A to B gives what B gives from nothing, the way back gives A
//! again, and so does the way forth once more. On a server, with a row in the table.

mod classes;
mod edits;
mod exact;
mod kept;
mod keys;
mod names;
mod partitions;
mod readers;
mod rests;
mod rules;
mod sample;
mod told;
mod values;

use std::collections::BTreeMap;

use tabellion::catalog::Snapshot;
use tabellion::testing::Server;
use tabellion_sql::plan::{Hazard, Migration, Script, Settings, Subject, migrations, plan};
use tabellion_sql::schema::{ForeignKey, Generated, Platform, Renames, Schema, Type};

use edits::edits;
use sample::{column, name, schema};

/// The roles of Supabase.
const ROLES: &str = "
    do $$ declare r text; begin
      foreach r in array array['anon', 'authenticated'] loop
        begin
          execute format('create role %I nologin', r);
        exception when duplicate_object or unique_violation then null;
        end;
      end loop;
    end $$;
";

/// The privileges that Supabase gives its roles on whatever is made.
const PRIVILEGES: &str = "
    alter default privileges in schema public grant all on tables to anon, authenticated;
    alter default privileges in schema public grant all on sequences to anon, authenticated;
";

#[tokio::test]
async fn supabases_roles_keep_nothing_but_what_policies_use() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    client.batch_execute(ROLES).await.expect("the roles");
    let granted = client.batch_execute(PRIVILEGES).await;
    granted.expect("the privileges");
    let plain = schema();
    let mut supabase = schema();
    supabase.platform = Platform::Supabase;
    let mut more = supabase.clone();
    let table = more
        .tables
        .get_mut(&name("public", "notes"))
        .expect("the table");
    for (column_name, generated) in [
        ("number", Generated::IdentityAlways),
        ("serial", Generated::Serial),
    ] {
        let mut new = column(column_name, Type::Int8);
        new.generated = Some(generated);
        table.columns.push(new);
    }
    run(&client, "plain", &Schema::default(), &plain).await;
    run(&client, "to Supabase", &plain, &supabase).await;
    run(&client, "more columns", &supabase, &more).await;
    let held = client
        .query(
            "select c.relname::text, r.rolname::text from pg_class c, pg_roles r
             where c.relnamespace = 'public'::regnamespace and r.rolname in ('anon', 'authenticated')
               and (c.relkind = 'r' and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete, truncate, references, trigger')
                 or c.relkind = 'S' and has_sequence_privilege(r.oid, c.oid, 'usage, select, update'))",
            &[],
        )
        .await
        .expect("the privileges");
    let held: Vec<(String, String)> = held.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert!(held.is_empty(), "{held:?}");
}

#[tokio::test]
async fn a_foreign_key_is_checked_though_its_owner_sees_no_row() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let owner = database.create_login("owner", &[]).await.expect("a login");
    let admin = connect(database.url()).await;
    let login = owner
        .split("://")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .expect("a user");
    admin
        .batch_execute(&format!(
            "grant create on schema public to \"{login}\"; {}",
            role()
        ))
        .await
        .expect("the rights");
    let client = connect(&owner).await;
    let before = schema();
    run(
        &client,
        "before",
        &Schema::default(),
        &Schema {
            roles: BTreeMap::new(),
            ..before.clone()
        },
    )
    .await;
    admin
        .batch_execute("insert into public.notes (shop, level) values ('acme', 77)")
        .await
        .expect("a row without a parent");
    let mut after = before.clone();
    after
        .tables
        .get_mut(&name("public", "notes"))
        .expect("the table")
        .foreign_keys
        .insert(
            "notes_level_fkey".into(),
            ForeignKey::new(["level"], name("public", "notes"), ["id"]),
        );
    let body = plan(&before, &after).body();
    let refused = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    let error = refused.expect_err("the row has no parent");
    let code = error
        .as_db_error()
        .map(|error| error.code().code().to_owned());
    assert_eq!(code.as_deref(), Some("23503"), "{error}");
}

/// The role of the policies, which the owner cannot make.
fn role() -> String {
    let mut schema = schema();
    schema.tables.clear();
    plan(&Schema::default(), &schema).body()
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

async fn run(client: &tokio_postgres::Client, what: &str, from: &Schema, to: &Schema) {
    let body = plan(from, to).body();
    let result = client
        .batch_execute(&format!("begin;\n{body}\ncommit;"))
        .await;
    if let Err(error) = result {
        panic!(
            "{what}: {:?}\n{body}",
            error.as_db_error().map(|error| error.message())
        );
    }
}

async fn snapshot(client: &tokio_postgres::Client) -> Snapshot {
    Snapshot::read(client, ["public", "Other Schema"])
        .await
        .expect("a snapshot")
}

/// Runs the files one by one, and reads what they lead to.
async fn follow(client: &tokio_postgres::Client, scripts: &[Script]) -> Result<Snapshot, String> {
    for script in scripts {
        let body = script.body();
        let texts: Vec<String> = match script.no_transaction {
            true => script.plan.steps().map(|step| step.sql.clone()).collect(),
            false => vec![format!("begin;\n{body}\ncommit;")],
        };
        for text in texts {
            if let Err(error) = client.batch_execute(&text).await {
                let _ = client.batch_execute("rollback").await;
                let message = error.as_db_error().map(|error| error.message().to_owned());
                return Err(format!("{message:?}\n{body}"));
            }
        }
    }
    Ok(snapshot(client).await)
}

#[tokio::test]
async fn forth_and_back_and_forth() {
    let server = Server::shared().expect("a server");
    let empty = Schema::default();
    let before = schema();
    let mut failures = Vec::new();
    for (what, edit) in edits() {
        let mut after = schema();
        edit(&mut after);
        let fresh = server.database().await.expect("a database");
        let fresh = connect(fresh.url()).await;
        // One of the edits is for another platform.
        fresh.batch_execute(ROLES).await.expect("the roles");
        run(&fresh, what, &empty, &after).await;
        let wanted = snapshot(&fresh).await;

        let database = server.database().await.expect("a database");
        let client = connect(database.url()).await;
        run(&client, what, &empty, &before).await;
        let row = "insert into public.notes (shop, body) values ('acme', 'kept')";
        client.batch_execute(row).await.expect("a row");
        let start = snapshot(&client).await;
        let pairs = migrations(&before, &after, &Renames::default(), &Settings::default());
        let pairs: Vec<Migration> = match pairs {
            Ok(pairs) => pairs,
            Err(questions) => {
                failures.push(format!("{what}: {questions:?}"));
                continue;
            }
        };
        let scripts = |pairs: &[Migration]| -> Vec<Script> {
            pairs.iter().map(|pair| pair.up.clone()).collect()
        };
        let up = follow(&client, &scripts(&pairs)).await;
        let back: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
        let down = follow(&client, &back).await;
        let again = follow(&client, &scripts(&pairs)).await;
        let [up, down, again] = match [up, down, again] {
            [Ok(up), Ok(down), Ok(again)] => [up, down, again],
            results => {
                let errors = results.into_iter().filter_map(Result::err);
                failures.extend(errors.map(|error| format!("{what}: {error}")));
                continue;
            }
        };
        for (step, wanted, found) in [
            ("up", &wanted, &up),
            ("down", &start, &down),
            ("again", &wanted, &again),
        ] {
            let findings = wanted.diff(found);
            if !findings.is_empty() {
                failures.push(format!("{what}, {step}: {findings:?}"));
            }
        }
        if after.tables.contains_key(&name("public", "notes")) {
            let kept = client
                .query_one("select shop from public.notes where body = 'kept'", &[])
                .await;
            if what != "drop the table" && kept.is_err() {
                failures.push(format!("{what}: the row is gone"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_plan_of_equals_is_empty_and_two_renderings_are_one() {
    let (empty, before) = (Schema::default(), schema());
    assert!(plan(&before, &before).is_empty());
    for (_, edit) in edits() {
        let mut after = schema();
        edit(&mut after);
        assert_eq!(plan(&before, &after).body(), plan(&before, &after).body());
    }
    let lost = plan(&before, &empty).hazards();
    let loss = Hazard::LosesData(Subject::new("table public.notes", "dropped"));
    assert!(lost.contains(&loss), "{lost:?}");
}
