//! A text for which case does not count, compared with the scope.

use tabellion::{Scope, Table};
use tabellion_sql::schema::Platform;

use crate::support::{Outcome, World, declared};

const ROLE: &str = "citext_app";

declared! {
    #[derive(Scope)]
    #[scope(role = "citext_app")]
    struct Reader {
        #[setting("app.email")]
        email: Option<String>,
    }

    #[derive(Debug, Table)]
    #[table(name = "letters", scope = Reader)]
    #[policy("own", select, using = address == scope.email)]
    #[policy("not to others", delete, using = !(address != scope.email))]
    struct Letter {
        #[column(primary_key)]
        id: i64,
        #[column(type = "citext")]
        address: String,
    }
}

#[tokio::test]
async fn case_does_not_count_for_a_policy_either() -> Outcome {
    let sql = crate::common::sql(SOURCE, Platform::Postgres)?;
    let world = World::with(&format!("create extension citext;\n{sql}"), &[ROLE]).await?;
    let rows = "insert into letters values (1, 'Ana@Example.com'), (2, 'ben@example.com'), (3, '')";
    world.admin.batch_execute(rows).await?;
    for (email, found) in [
        (Some("ana@example.COM"), vec![(1, "Ana@Example.com")]),
        (Some("BEN@EXAMPLE.COM"), vec![(2, "ben@example.com")]),
        (Some("eve@example.com"), vec![]),
        (None, vec![]),
    ] {
        let reader = world.app.scope(Reader {
            email: email.map(str::to_owned),
        });
        let letters = Letter::unindexed("there are three")
            .fetch_all(&reader)
            .await?;
        let seen: Vec<_> = letters
            .iter()
            .map(|it| (it.id, it.address.as_str()))
            .collect();
        assert_eq!(seen, found, "{email:?}");
    }
    let empty = [("app.email", "")];
    assert_eq!(world.counts(ROLE, &empty, "letters").await, Ok(0));
    world.close().await
}
