//! The applied migration against the specification in `seed_tables.sql`, catalog by catalog.

use std::collections::BTreeSet;
use std::error::Error;

use hotdash::Report;
use tabellion::catalog::{Kind, Snapshot};
use tabellion::testing::{Server, TestDatabase};
use tokio_postgres::{Client, NoTls};

const SEED: &str = include_str!("seed_tables.sql");

const TABLES: [&str; 5] = [
    "inventory_actions",
    "notifications",
    "sales_pulse_actions",
    "social_posts",
    "user_preferences",
];

type Outcome = Result<(), Box<dyn Error>>;

async fn client(database: &TestDatabase) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(database.url(), NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// A database that holds what the specification's own SQL makes.
async fn specified(server: &Server) -> Result<(TestDatabase, Client), Box<dyn Error>> {
    let database = server.database().await?;
    let client = client(&database).await?;
    client.batch_execute(SEED).await?;
    Ok((database, client))
}

/// A database that holds what the sealed migration makes.
async fn migrated(server: &Server) -> Result<(TestDatabase, Client), Box<dyn Error>> {
    let mut report = Report::new(std::io::sink(), false);
    let stage = hotdash::stage(&mut report, server).await?;
    assert_eq!(report.tally().failed, [""; 0]);
    let client = client(&stage.database).await?;
    Ok((stage.database, client))
}

/// Column by column in the tables' order: name, type with its modifier, nullability, default.
async fn columns(client: &Client) -> Result<Vec<[String; 5]>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod),
               case when a.attnotnull then 'not null' else 'null' end,
               coalesce(pg_get_expr(d.adbin, d.adrelid), 'no default')
             from pg_attribute a
             join pg_class c on c.oid = a.attrelid
             left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
             where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0
             order by c.relname, a.attnum",
            &[],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok([
                row.try_get(0)?,
                row.try_get(1)?,
                row.try_get(2)?,
                row.try_get(3)?,
                row.try_get(4)?,
            ])
        })
        .collect()
}

/// The objects of some kinds, a line each.
fn objects(snapshot: &Snapshot, kinds: &[Kind]) -> Vec<String> {
    let chosen = snapshot
        .objects
        .iter()
        .filter(|(object, _)| kinds.contains(&object.kind));
    chosen
        .map(|(object, definition)| format!("{object}: {definition}"))
        .collect()
}

#[tokio::test]
async fn columns_keys_sequences_and_indexes_are_those_of_the_specification() -> Outcome {
    let server = Server::shared()?;
    let (_migrated, ours) = migrated(server).await?;
    let (_specified, theirs) = specified(server).await?;

    let wanted = columns(&theirs).await?;
    assert_eq!(wanted.len(), 8 + 12 + 10 + 7 + 12);
    assert_eq!(columns(&ours).await?, wanted);

    let ours = Snapshot::read(&ours, ["public"]).await?;
    let theirs = Snapshot::read(&theirs, ["public"]).await?;
    let kinds = [Kind::Table, Kind::Column, Kind::Sequence, Kind::Index];
    let wanted = objects(&theirs, &kinds);
    assert_eq!(
        wanted
            .iter()
            .filter(|line| line.starts_with("index"))
            .count(),
        5
    );
    assert_eq!(objects(&ours, &kinds), wanted);

    let mut keys = objects(&ours, &[Kind::Constraint]);
    keys.retain(|line| line.contains("PRIMARY KEY"));
    assert_eq!(keys, objects(&theirs, &[Kind::Constraint]));
    Ok(())
}

#[tokio::test]
async fn every_table_has_row_level_security_forced_and_the_policies_by_name_and_command() -> Outcome
{
    let server = Server::shared()?;
    let (_migrated, ours) = migrated(server).await?;
    let (_specified, theirs) = specified(server).await?;

    let query = "select tablename::text, policyname::text, cmd from pg_policies order by 1, 3, 2";
    let policies = async |client: &Client| -> Result<BTreeSet<[String; 3]>, tokio_postgres::Error> {
        let rows = client.query(query, &[]).await?;
        let texts = rows
            .iter()
            .map(|row| Ok([row.try_get(0)?, row.try_get(1)?, row.try_get(2)?]));
        texts.collect()
    };
    let (found, named) = (policies(&ours).await?, policies(&theirs).await?);
    assert_eq!(named.len(), 4);
    assert!(named.is_subset(&found), "{:?}", named.difference(&found));

    // Where the specification names policies, those are all; elsewhere the owner may do everything.
    for table in TABLES {
        let of = |all: &BTreeSet<[String; 3]>| -> Vec<String> {
            let of_table = all.iter().filter(|[name, ..]| name == table);
            let mut commands: Vec<String> =
                of_table.map(|[_, _, command]| command.clone()).collect();
            commands.sort();
            commands
        };
        let wanted = match of(&named) {
            none if none.is_empty() => ["DELETE", "INSERT", "SELECT", "UPDATE"]
                .map(str::to_owned)
                .to_vec(),
            some => some,
        };
        assert_eq!(of(&found), wanted, "{table}");
    }

    let protected = ours
        .query(
            "select relname::text from pg_class where relnamespace = 'public'::regnamespace
               and relkind = 'r' and relrowsecurity and relforcerowsecurity order by 1",
            &[],
        )
        .await?;
    let protected: Vec<&str> = protected
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    assert_eq!(protected, TABLES);
    Ok(())
}

/// `(table, column, texts)` of each value list in the specification.
fn value_lists() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let mut table = "";
    let mut lists = Vec::new();
    for line in SEED.lines() {
        if let Some(rest) = line.strip_prefix("create table if not exists ") {
            table = rest.trim_end_matches(" (");
        }
        if let Some((column, list)) = line.split_once(" -- in ") {
            let name = column.split_whitespace().next().unwrap_or_default();
            lists.push((table, name, quoted(list)));
        }
    }
    lists
}

/// What stands between pairs of quotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('\'').skip(1).step_by(2).collect()
}

#[tokio::test]
async fn a_check_holds_each_value_list() -> Outcome {
    let (_database, ours) = migrated(Server::shared()?).await?;
    let lists = value_lists();
    assert_eq!(lists.len(), 8);
    for (table, column, texts) in lists {
        let name = format!("{table}_{column}_check");
        let row = ours
            .query_one(
                "select pg_get_constraintdef(oid) from pg_constraint
                 where conname = $1 and conrelid = $2::text::regclass",
                &[&name, &table],
            )
            .await?;
        let check: String = row.try_get(0)?;
        assert!(
            check.contains(&format!("{column} = ANY (ARRAY[")),
            "{check}"
        );
        assert_eq!(quoted(&check), texts, "{name}");
    }
    Ok(())
}
