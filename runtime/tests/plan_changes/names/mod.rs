//! Names that pass from one relation to another: tables, indexes and keys share them, and PostgreSQL lets
//! none have one that another still has.

mod constraints;
mod partitions;
mod relations;
mod shares;

use std::collections::BTreeMap;

use tabellion::testing::Server;
use tabellion_sql::plan::{Migration, Script, Settings, migrations};
use tabellion_sql::schema::{
    Column, Generated, Index, Partition, PartitionBy, PartitionStrategy, PrimaryKey, Renames,
    Schema, Table, TableRenames, Type, Unique,
};

use super::sample::{column, index, name};
use super::{connect, follow, run, snapshot};

/// A table of numbers, with indexes over some of them.
pub(super) fn table(indexes: &[(&str, &[&str])]) -> Table {
    let columns = ["x", "y", "z"].map(|name| column(name, Type::Int4));
    let indexes = indexes.iter();
    let indexes = indexes.map(|(name, columns)| (name.to_string(), index(columns)));
    Table {
        columns: columns.into(),
        indexes: indexes.collect::<BTreeMap<String, Index>>(),
        ..Table::new("shop::Thing")
    }
}

pub(super) fn unique(name: &str, columns: &[&str]) -> Table {
    let unique = Unique {
        columns: columns.iter().map(|column| column.to_string()).collect(),
        ..Unique::default()
    };
    Table {
        uniques: BTreeMap::from([(name.into(), unique)]),
        ..table(&[])
    }
}

pub(super) fn keyed(name: &str, columns: &[&str]) -> Table {
    let columns = columns.iter().map(|column| column.to_string());
    Table {
        primary_key: Some(PrimaryKey {
            name: name.into(),
            columns: columns.collect(),
            ..PrimaryKey::default()
        }),
        ..table(&[])
    }
}

/// The table in two partitions, one of which has a name so long that nothing can be added to it whole.
pub(super) fn parted(indexes: &[(&str, &[&str])]) -> Table {
    Table {
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["x".into()],
        }),
        partitions: BTreeMap::from([
            ("a_1".into(), Partition::List(vec!["1".into()])),
            (long("a"), Partition::Default),
        ]),
        ..table(indexes)
    }
}

pub(super) fn long(name: &str) -> String {
    format!("{name}_{}", "long".repeat(14))
}

pub(super) fn schema(tables: Vec<(&str, Table)>) -> Schema {
    let tables = tables.into_iter();
    Schema {
        tables: tables
            .map(|(table, it)| (name("public", table), it))
            .collect(),
        ..Schema::default()
    }
}

pub(super) fn renamed(pairs: &[(&str, &str)]) -> Renames {
    let tables = pairs.iter().map(|(old, new)| {
        let hints = TableRenames {
            from: Some(name("public", old)),
            ..TableRenames::default()
        };
        (name("public", new), hints)
    });
    Renames {
        tables: tables.collect(),
    }
}

/// From the first schema to the last, at each of them back to the one before and there again, and in the
/// end all the way back; gives the names that the indexes of partitions have at each.
pub(super) async fn walk(
    what: &str,
    first: Schema,
    rest: Vec<(Schema, Renames)>,
) -> Vec<Vec<String>> {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    run(&client, what, &Schema::default(), &first).await;
    let mut states = vec![snapshot(&client).await];
    let mut shares = Vec::new();
    let mut all: Vec<Vec<Migration>> = Vec::new();
    let mut at = first;
    for (number, (to, renames)) in rest.into_iter().enumerate() {
        let what = format!("{what}, change {}", number + 1);
        let pairs = migrations(&at, &to, &renames, &Settings::default());
        let pairs = pairs.unwrap_or_else(|questions| panic!("{what}: {questions:?}"));
        let ups: Vec<Script> = pairs.iter().map(|pair| pair.up.clone()).collect();
        let downs: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
        let fresh = server.database().await.expect("a database");
        let fresh = connect(fresh.url()).await;
        run(&fresh, &what, &Schema::default(), &to).await;
        let wanted = snapshot(&fresh).await;
        for (scripts, wanted) in [(&ups, &wanted), (&downs, &states[number]), (&ups, &wanted)] {
            let found = follow(&client, scripts).await;
            let found = found.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(wanted.diff(&found), [], "{what}");
        }
        shares.push(shares_in(&client).await);
        assert_eq!(shares.last(), Some(&shares_in(&fresh).await), "{what}");
        states.push(wanted);
        all.push(pairs);
        at = to;
    }
    for (pairs, wanted) in all.iter().zip(&states).rev() {
        let downs: Vec<Script> = pairs.iter().rev().map(|pair| pair.down.clone()).collect();
        let found = follow(&client, &downs).await;
        let found = found.unwrap_or_else(|error| panic!("{what}, all the way back: {error}"));
        assert_eq!(wanted.diff(&found), [], "{what}, all the way back");
    }
    shares
}

/// The names of the indexes of partitions, and of the parts of foreign keys into partitioned tables.
pub(super) async fn shares_in(client: &tokio_postgres::Client) -> Vec<String> {
    let query =
        "select relname::text from pg_class where relkind = 'i' and relispartition union all
        select c.conrelid::regclass || ': ' || c.conname from pg_constraint c
        join pg_constraint k on k.oid = c.conparentid
        where c.contype = 'f' and c.conrelid = k.conrelid order by 1";
    let rows = client.query(query, &[]).await.expect("the names");
    rows.iter().map(|row| row.get(0)).collect()
}

/// A table as above that numbers its rows in a column of that name.
pub(super) fn numbered(identity: &str, indexes: &[(&str, &[&str])]) -> Table {
    let mut table = table(indexes);
    table.columns.push(Column {
        generated: Some(Generated::IdentityByDefault),
        ..column(identity, Type::Int8)
    });
    table
}

pub(super) fn one_part() -> Table {
    let mut table = parted(&[]);
    table.partitions.remove("a_1");
    table
}
