//! Numbers that a type has no room for, where a policy asks for all other numbers.

use tabellion::{Scope, Table};

use crate::support::{Outcome, World, declared};

const ROLE: &str = "policies_ranges";

declared! {
    #[derive(Scope)]
    #[scope(role = "policies_ranges")]
    struct Caller {
        #[setting("app.small")]
        small: Option<i16>,
        #[setting("app.level")]
        level: Option<i32>,
        #[setting("app.big")]
        big: Option<i64>,
    }

    #[derive(Debug, Table)]
    #[table(name = "other_small", scope = Caller)]
    #[policy("others", select, using = number != scope.small)]
    struct OtherSmall { #[column(primary_key)] number: i16 }

    #[derive(Debug, Table)]
    #[table(name = "other_level", scope = Caller)]
    #[policy("others", select, using = !(number.is_in([scope.level])))]
    struct OtherLevel { #[column(primary_key)] number: i32 }

    #[derive(Debug, Table)]
    #[table(name = "below_level", scope = Caller)]
    #[policy("below", select, using = number < scope.level)]
    struct BelowLevel { #[column(primary_key)] number: i32 }

    #[derive(Debug, Table)]
    #[table(name = "other_big", scope = Caller)]
    #[policy("others", select, using = !(number == scope.big))]
    struct OtherBig { #[column(primary_key)] number: i64 }
}

#[tokio::test]
async fn a_number_beyond_the_type_opens_nothing() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    for (table, setting, least, greatest) in [
        (
            "other_small",
            "app.small",
            i64::from(i16::MIN),
            i64::from(i16::MAX),
        ),
        (
            "other_level",
            "app.level",
            i64::from(i32::MIN),
            i64::from(i32::MAX),
        ),
        (
            "below_level",
            "app.level",
            i64::from(i32::MIN),
            i64::from(i32::MAX),
        ),
        ("other_big", "app.big", i64::MIN, i64::MAX),
    ] {
        let rows = format!("insert into {table} values (1), (2), (3)");
        world.admin.batch_execute(&rows).await?;
        let beyond = [i128::from(greatest) + 1, i128::from(least) - 1];
        let beyond = beyond.map(|number| number.to_string());
        let more = [
            "99999999999",
            "-9999999999",
            "99999999999999999999",
            "",
            "abc",
        ];
        let more = more.map(str::to_owned).into_iter();
        for text in beyond.into_iter().chain(more) {
            if table == "other_big" && text.parse::<i64>().is_ok() {
                continue;
            }
            let seen = world.counts(ROLE, &[(setting, &text)], table).await;
            assert_eq!(seen, Ok(0), "{table}: {text}");
        }
        let others = if table == "below_level" { 1 } else { 2 };
        assert_eq!(
            world.counts(ROLE, &[(setting, "2")], table).await,
            Ok(others)
        );
        let end = greatest.to_string();
        assert_eq!(world.counts(ROLE, &[(setting, &end)], table).await, Ok(3));
    }
    world.close().await
}
