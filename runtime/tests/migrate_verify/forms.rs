//! The forms in which the server prints things, and what a login needs that compares them.

use std::collections::BTreeMap;

use tabellion::catalog::read_schema;
use tabellion::migrate::{ApplyOptions, Migrator};
use tabellion_sql::schema::{
    Check, Column, Deferrable, Exclusion, ExclusionElement, Expr, ForeignKey, Generated, Index,
    IndexColumn, IndexKey, Nulls, QualifiedName, ReferentialAction, Rls, Type, Unique,
};

use crate::migrate_support::{Project, ROLE, client, database, step};
use crate::{applied, looker};

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
    expr.tables
        .insert(QualifiedName::new("Desk", "note").into());
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

/// How the server prints a backslash depends on a setting.
#[tokio::test]
async fn a_backslash_reads_the_same_under_any_setting() {
    let (database, project) = (database().await, Project::new());
    let mut schema = step(3);
    let key = QualifiedName::new("public", "order");
    let orders = schema.tables.get_mut(&key).expect("the orders");
    let states = Check::new(Expr::new("state in ('open', 'a\\b')", ["state"]));
    orders.checks.insert("order_state_check".into(), states);
    project.draw(&schema);
    project.seal("first");
    let set = project.load();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    let off = format!(
        "alter database \"{}\" set standard_conforming_strings = off",
        database.name()
    );
    client(database.url())
        .await
        .batch_execute(&off)
        .await
        .unwrap();
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
}
