//! Logins that row-level security would not hold are refused, and the error says what to do.

use tabellion::query::Order;
use tabellion::{AllowsSelect, Error, Finder, Index, Row, Scope, Table};

use crate::support::*;

async fn refusal(url: &str) -> Result<Error, Error> {
    let db = pool(url, 1).await?;
    Ok(refused(
        Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await,
    ))
}

/// A role of this database alone, since roles belong to the whole server.
fn role(fixture: &Fixture, name: &str) -> String {
    format!("{name}_{}", fixture.database.name())
}

#[tokio::test]
async fn a_superuser_is_refused() -> Outcome {
    let fixture = Fixture::new().await?;
    let error = refusal(fixture.database.url()).await?.to_string();
    assert!(error.contains("is a superuser"), "{error}");
    assert!(
        error.ends_with(
            "connect with a login of its own: `create role app_login login noinherit nosuperuser \
             nobypassrls password '...'; grant \"query_shop\" to app_login;`"
        ),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_login_with_bypassrls_is_refused() -> Outcome {
    let fixture = Fixture::new().await?;
    let login = role(&fixture, "app");
    let sql = format!("alter role {login} bypassrls");
    fixture.admin.batch_execute(&sql).await?;
    let error = refusal(&fixture.url).await?;
    assert!(error.to_string().contains("has BYPASSRLS"), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_owner_is_refused_unless_its_tables_are_forced() -> Outcome {
    let fixture = Fixture::new().await?;
    let login = role(&fixture, "app");
    let db = fixture.connect(1).await?;
    let sql = format!("alter table notes owner to {login}");
    fixture.admin.batch_execute(&sql).await?;
    let forced = fixture.connect(1).await?;
    Note::by_shop("acme")
        .fetch_all(&shop(&forced, "acme"))
        .await?;

    fixture
        .admin
        .batch_execute("alter table notes no force row level security")
        .await?;
    let error = refusal(&fixture.url).await?;
    assert!(
        error
            .to_string()
            .contains("owns public.notes, whose row-level security is not forced"),
        "{error}"
    );
    // By membership too.
    let owner = role(&fixture, "owner");
    let sql = format!(
        "create role {owner} nologin; alter table notes owner to {owner}; grant {owner} to {login}"
    );
    fixture.admin.batch_execute(&sql).await?;
    let error = refusal(&fixture.url).await?;
    assert!(matches!(error, Error::LoginBypasses { .. }), "{error}");
    drop(db);
    let sql = format!("alter table notes owner to current_user; drop role {owner}");
    fixture.admin.batch_execute(&sql).await?;
    Ok(())
}

#[tokio::test]
async fn a_login_that_may_not_take_on_the_role() -> Outcome {
    let fixture = Fixture::new().await?;
    let url = fixture.database.create_login("stranger", &[]).await?;
    let db = pool(&url, 1).await?;
    for _ in 0..2 {
        let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await);
        let login = role(&fixture, "stranger");
        assert_eq!(
            error.to_string(),
            format!(
                "login {login} is not a member of \"query_shop\"; `grant \"query_shop\" to {login}`"
            )
        );
    }
    // Once it is granted, the same pool works.
    let sql = format!("grant query_shop to {}", role(&fixture, "stranger"));
    fixture.admin.batch_execute(&sql).await?;
    assert!(
        Note::by_shop("acme")
            .fetch_all(&shop(&db, "acme"))
            .await?
            .is_empty()
    );
    // Once it is taken away, a connection that has used the role is refused all the same.
    let sql = format!("revoke query_shop from {}", role(&fixture, "stranger"));
    fixture.admin.batch_execute(&sql).await?;
    let error = refused(Note::by_shop("acme").fetch_all(&shop(&db, "acme")).await);
    assert!(matches!(error, Error::RoleNotGranted { .. }), "{error}");
    Ok(())
}

macro_rules! scoped_table {
    ($scope:ident, $role:literal, $table:ident) => {
        struct $scope;
        impl Scope for $scope {
            const ROLE: &'static str = $role;
            const SETTINGS: &'static [&'static str] = &[];
            fn values(&self) -> Vec<Option<String>> {
                Vec::new()
            }
        }
        #[derive(Debug)]
        struct $table;
        impl Table for $table {
            type Scope = $scope;
            const NAME: &'static str = "public.notes";
            const COLUMNS: &'static [&'static str] = &["id"];
            fn from_row(_: &Row<'_>) -> Result<Self, Error> {
                Ok($table)
            }
        }
        impl AllowsSelect for $table {}
    };
}

scoped_table!(Ghost, "query_ghost", GhostNote);
scoped_table!(Mighty, "query_mighty", MightyNote);

const INDEX: Index = Index {
    name: "an_index",
    finder: "by_shop",
    columns: &[("shop", Order::Ascending)],
    predicate: &[],
};

#[tokio::test]
async fn a_role_that_does_not_exist() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let finder = Finder::<GhostNote, ()>::new(&INDEX, "acme".to_owned());
    let error = refused(finder.fetch_all(&db.scope(Ghost)).await);
    assert_eq!(
        error.to_string(),
        "role \"query_ghost\" does not exist; apply the migrations, or `create role \"query_ghost\" nologin`"
    );
    Ok(())
}

#[tokio::test]
async fn a_role_that_bypasses() -> Outcome {
    let fixture = Fixture::new().await?;
    let sql = format!(
        "create role query_mighty nologin bypassrls; grant query_mighty to {}; \
         grant select on notes to query_mighty; insert into notes (shop, kind) values ('acme', 'call')",
        role(&fixture, "app")
    );
    fixture.admin.batch_execute(&sql).await?;
    let db = fixture.connect(1).await?;
    let finder = Finder::<MightyNote, ()>::new(&INDEX, "acme".to_owned());
    let error = refused(finder.fetch_all(&db.scope(Mighty)).await);
    assert!(matches!(error, Error::RoleBypasses { .. }), "{error}");
    let sql = "drop owned by query_mighty; drop role query_mighty";
    fixture.admin.batch_execute(sql).await?;
    Ok(())
}
