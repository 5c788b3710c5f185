//! Operator classes that are said not to fit a column, against what PostgreSQL refuses.

use std::collections::{BTreeMap, BTreeSet};

use tabellion::testing::Server;
use tabellion_sql::schema::{Index, IndexColumn, Schema, Table, Type};
use tabellion_sql::verify::verify;

use super::connect;
use super::sample::{column, name};

#[tokio::test]
async fn a_class_that_does_not_fit_is_told_where_postgresql_refuses_it() {
    let server = Server::shared().expect("a server");
    let database = server.database().await.expect("a database");
    let client = connect(database.url()).await;
    let types = [
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "real",
        "double precision",
        "numeric",
        "text",
        "uuid",
        "jsonb",
        "bytea",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "interval",
        "varchar",
        "char(3)",
        "integer[]",
        "text[]",
    ];
    let table: Vec<String> = types
        .iter()
        .enumerate()
        .map(|(at, ty)| format!("c{at} {ty}"))
        .collect();
    let text = format!(
        "create table t ({}); create table fits (method text, class text, own text);
         do $$
         declare m text; c text; own text;
         begin
           for m, c, own in select a.amname, o.opcname, attname
             from pg_am a, (select distinct opcname from pg_opclass) o, pg_attribute
             where a.amtype = 'i' and attrelid = 't'::regclass and attnum > 0
           loop
             begin
               execute format('create index i on t using %I (%I %I)', m, own, c);
               drop index i;
               insert into fits values (m, c, own);
             exception when others then null;
             end;
           end loop;
         end
         $$",
        table.join(", ")
    );
    client.batch_execute(&text).await.expect("what fits");
    let rows = client
        .query("select method, class, own from fits", &[])
        .await;
    let fits: BTreeSet<[String; 3]> = rows
        .expect("what fits")
        .iter()
        .map(|row| [0, 1, 2].map(|at| row.get(at)))
        .collect();
    let methods = ["btree", "hash", "gin", "gist", "spgist", "brin"];
    let query = "select distinct opcname::text from pg_opclass order by 1";
    let classes = client.query(query, &[]).await.expect("the classes");
    let mut known = 0;
    for class in classes.iter().map(|row| row.get::<_, String>(0)) {
        let (mut told, mut refused) = (Vec::new(), Vec::new());
        for method in methods {
            for (at, ty) in types.iter().enumerate() {
                let own = format!("c{at}");
                let part = IndexColumn {
                    opclass: Some(class.clone()),
                    ..IndexColumn::new(&own)
                };
                let index = Index {
                    method: method.into(),
                    ..Index::new([part])
                };
                let ty: Type = ty.parse().expect("a type");
                let table = Table {
                    columns: vec![column(&own, ty)],
                    indexes: BTreeMap::from([("i".into(), index)]),
                    ..Table::new("shop::Thing")
                };
                let schema = Schema {
                    tables: BTreeMap::from([(name("public", "t"), table)]),
                    ..Schema::default()
                };
                let case = format!("{method} {class} {}", types[at]);
                if !fits.contains(&[method.to_owned(), class.clone(), own]) {
                    refused.push(case.clone());
                }
                if !verify(&schema).is_empty() {
                    told.push(case);
                }
            }
        }
        // Of a class that is known it is told wherever PostgreSQL refuses it, and nowhere else.
        if !told.is_empty() {
            assert_eq!(told, refused);
            known += 1;
        }
    }
    assert!(known > 40, "{known}");
}
