//! Literals beside a `real`. Bare, PostgreSQL compares both as `double precision`, where the column's 0.7 and the
//! literal's are two numbers, and a `!=` or `<` lets rows through that rustc would not.

use tabellion_sql::proof::{ProofScope, ProofSetting};
use tabellion_sql::schema::{Platform, Type};

use crate::support::{Outcome, World, mutants};

const ROLE: &str = "policies_floats";

/// A predicate, and what rustc says of it.
type Case = (&'static str, fn(f32) -> bool);

macro_rules! cases {
    ($x:ident: $($predicate:expr),* $(,)?) => {
        [$((stringify!($predicate), |$x: f32| $predicate)),*]
    };
}

trait IsIn: Sized + PartialEq {
    fn is_in<const N: usize>(&self, list: [Self; N]) -> bool {
        list.contains(self)
    }
}

impl IsIn for f32 {}

const CASES: [Case; 17] = cases!(x:
        x < 0.7,
        x <= 0.1,
        x > 0.1,
        x >= 0.7,
        x == 0.1,
        x != 0.1,
        0.7 > x,
        !(x == 0.7),
        x == 16777217.0,
        x != 16777217.0,
        x == -0.1,
        x > -0.1,
        x.is_in([0.1]),
        x.is_in([0.1, 0.7]),
        x.is_in([-0.1, 16777217.0]),
        x > 1e-45 && x < 3.4e38,
        x >= 0.1 && x != 0.7 || x == -0.1,
);

const VALUES: [f32; 9] = [
    0.0,
    0.1,
    -0.1,
    0.7,
    0.699_999_9,
    5.0,
    16_777_216.0,
    16_777_218.0,
    f32::MAX,
];

/// A table for each predicate.
fn source() -> String {
    let scope = r#"
        #[derive(Scope)] #[scope(role = "policies_floats")]
        struct Caller { #[setting("app.user")] user: String }
        #[derive(Table)] #[table(name = "limits", scope = Caller)]
        #[primary_key(columns(user, x))] #[policy("own", select, using = user == scope.user)]
        struct Limit { user: String, x: f32 }
        #[derive(Table)] #[table(name = "limited", scope = Caller)]
        #[policy("limited", select,
            using = exists(Limit, |m| m.x == x && m.user == scope.user && m.x == 0.1))]
        struct Limited { #[column(primary_key)] x: f32 }
    "#;
    let tables = CASES.into_iter().enumerate().map(|(n, (predicate, _))| {
        format!(
            "#[derive(Table)] #[table(name = \"t{n}\", scope = Caller)]
             #[policy(\"p\", select, using = {predicate})]
             struct T{n} {{ #[column(primary_key)] x: f32 }}\n"
        )
    });
    scope.to_owned() + &tables.collect::<String>()
}

#[tokio::test]
async fn a_literal_beside_a_real_is_the_number_that_rustc_reads() -> Outcome {
    let world = World::of(&source(), &[ROLE]).await?;
    for (n, (predicate, holds)) in CASES.into_iter().enumerate() {
        let table = format!("t{n}");
        for value in VALUES {
            let row = format!("truncate {table}; insert into {table} values ('{value}')");
            world.admin.batch_execute(&row).await?;
            let seen = world.counts(ROLE, &[], &table).await;
            let expected = i64::from(holds(value));
            assert_eq!(seen, Ok(expected), "{predicate}: {value}");
        }
    }
    let rows = "insert into limited values (0.1), (0.7); insert into limits values ('ada', 0.1), ('ada', 0.7)";
    world.admin.batch_execute(rows).await?;
    let ada = [("app.user", "ada")];
    assert_eq!(world.counts(ROLE, &ada, "limited").await, Ok(1));
    world.close().await
}

#[test]
fn a_number_beyond_the_type_of_another_table_is_told() {
    let source = source().replace("m.x == 0.1", "m.x == 1e39");
    let errors = crate::common::sql(&source, Platform::Postgres).expect_err("beyond");
    let message = "table `limited` compares column `x` of `limits`, of type `real`, with a number that the type has no \
                   room for";
    assert!(errors.contains(message), "{errors}");
}

/// Where the two differ, as the README says.
#[tokio::test]
async fn nan_is_greater_than_every_number() -> Outcome {
    let world = World::of(&source(), &[ROLE]).await?;
    for (predicate, sees) in [("x > 0.1", 1), ("x < 0.7", 0), ("x != 0.1", 1)] {
        let n = CASES.into_iter().position(|(text, _)| text == predicate);
        let table = format!("t{}", n.expect("one of them"));
        let row = format!("insert into {table} values ('NaN')");
        world.admin.batch_execute(&row).await?;
        assert_eq!(
            world.counts(ROLE, &[], &table).await,
            Ok(sees),
            "{predicate}"
        );
    }
    world.close().await
}

#[tokio::test]
async fn the_drawn_tests_hold_for_them() -> Outcome {
    let scope = ProofScope {
        role: ROLE.into(),
        settings: vec![ProofSetting {
            name: "app.user".into(),
            claim: None,
            ty: Type::Text,
            texts: Vec::new(),
        }],
    };
    let mutants = mutants(&source(), Platform::Postgres, &[scope]).await?;
    assert!(!mutants.is_empty());
    Ok(())
}
