//! Settings that sessions begin with, by which a table is open without being touched.

use crate::applied;
use crate::migrate_support::{ROLE, client};

#[tokio::test]
async fn a_setting_that_sessions_begin_with_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let on_database = format!("alter database \"{}\"", database.name());
    let on_role = format!("alter role {ROLE} in database \"{}\"", database.name());
    for (on, who) in [
        (on_database, "the database".to_owned()),
        (on_role, format!("role `{ROLE}`")),
    ] {
        for (name, value, found) in [
            (
                "app.shop",
                "'acme'",
                "a value that every session begins with",
            ),
            (
                "App.Shop",
                "'acme'",
                "a value that every session begins with",
            ),
            ("row_security", "off", "off"),
            ("search_path", "sly, public", "sly, public"),
            ("session_replication_role", "replica", "replica"),
            ("role", "pg_monitor", "pg_monitor"),
        ] {
            if name == "search_path" && who == "the database" {
                continue; // The owner's choice, the same for everyone.
            }
            let sql = format!("{on} set {name} = {value}");
            admin.batch_execute(&sql).await.unwrap();
            let told = engine.verify(&set).await.unwrap().to_string();
            let name_told = name.to_lowercase();
            let wanted =
                format!("setting `{name_told}` of {who} is not expected; found `{found}`\n");
            assert_eq!(told, wanted, "{sql}");
            admin
                .batch_execute(&format!("{on} reset {name}"))
                .await
                .unwrap();
        }
        let mut harmless = vec!["row_security = on", "work_mem = '8MB'", "app.other = 'x'"];
        if who == "the database" {
            harmless.push("search_path = ''");
        }
        for harmless in harmless {
            admin
                .batch_execute(&format!("{on} set {harmless}"))
                .await
                .unwrap();
        }
        let found = engine.verify(&set).await.unwrap();
        assert!(found.is_clean(), "{found}");
    }
    let reset = format!(
        "alter role {ROLE} in database \"{}\" reset all",
        database.name()
    );
    admin.batch_execute(&reset).await.unwrap();
}

/// What a login begins with is there when it becomes the scope's role.
#[tokio::test]
async fn a_setting_that_a_login_of_a_scope_begins_with_is_told() {
    let (database, set, mut engine) = applied().await;
    let admin = client(database.url()).await;
    let [login, owner] = ["login", "deploy"].map(|it| format!("{it}_{}", database.name()));
    let create = format!(
        "create role {login} login in role {ROLE}; create schema open authorization {login}; create schema ext;
         create role {owner} login; alter role {owner} set app.shop = 'acme'; alter role {owner} set search_path = x"
    );
    admin.batch_execute(&create).await.unwrap();
    let on = format!("alter role {login} in database \"{}\"", database.name());
    for (name, value, found) in [
        (
            "app.shop",
            "'acme'",
            "a value that every session begins with",
        ),
        ("row_security", "off", "off"),
        ("role", "pg_monitor", "pg_monitor"),
        // What a login may create is found before what others made.
        ("search_path", "ext, open", "ext, open"),
    ] {
        let sql = format!("{on} set {name} = {value}");
        admin.batch_execute(&sql).await.unwrap();
        let told = engine.verify(&set).await.unwrap().to_string();
        let wanted =
            format!("setting `{name}` of role `{login}` is not expected; found `{found}`\n");
        assert_eq!(told, wanted, "{sql}");
        let reset = format!("{on} reset {name}");
        admin.batch_execute(&reset).await.unwrap();
    }
    // An extension's schema is on the path of a login that needs it.
    let harmless = format!("{on} set search_path = ext, public; {on} set statement_timeout = '5s'");
    admin.batch_execute(&harmless).await.unwrap();
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
    let drop = format!("drop schema open; drop role {login}; drop role {owner}");
    admin.batch_execute(&drop).await.unwrap();
}
