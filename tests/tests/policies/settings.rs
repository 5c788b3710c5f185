//! Settings of every type: what was set and is no value of the type denies, and never raises.
#![allow(dead_code)] // Rows are counted more than read.

use tabellion::{Date, Scope, Table, TextEnum, Uuid};

use crate::support::{Outcome, World, declared};

mod drawn;
mod plans;

declared! {
    #[derive(Debug, Clone, PartialEq, TextEnum)]
    enum Region { Eu, Us, #[text("no (\\d)|it's.*")] Odd }

    #[derive(Clone, Scope)]
    #[scope(role = "policies_typed")]
    struct Caller {
        #[setting("app.org")]
        org: Option<Uuid>,
        #[setting("app.small")]
        small: Option<i16>,
        #[setting("app.level")]
        level: Option<i32>,
        #[setting("app.big")]
        big: Option<i64>,
        #[setting("app.staff")]
        staff: Option<bool>,
        #[setting("app.day")]
        day: Option<Date>,
        #[setting("app.region")]
        region: Option<Region>,
        #[setting("app.name")]
        name: Option<String>,
    }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(org))]
    #[tenant(org = scope.org)]
    struct OfOrg { #[column(primary_key)] id: i64, org: Uuid }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(small))]
    #[tenant(small = scope.small)]
    struct OfSmall { #[column(primary_key)] id: i64, small: i16 }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(level))]
    #[tenant(level = scope.level)]
    struct OfLevel { #[column(primary_key)] id: i64, level: i32 }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(big))]
    #[tenant(big = scope.big)]
    struct OfBig { #[column(primary_key)] id: i64, big: i64 }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(day))]
    #[tenant(day = scope.day)]
    struct OfDay { #[column(primary_key)] id: i64, day: Date }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(name))]
    #[tenant(name = scope.name)]
    struct OfName { #[column(primary_key)] id: i64, name: String }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(region))]
    #[tenant(region = scope.region)]
    struct OfRegion { #[column(primary_key)] id: i64, region: Region }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(region))]
    #[policy("elsewhere", select, using = region != scope.region)]
    struct Elsewhere { #[column(primary_key)] id: i64, region: Region }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(region))]
    #[policy("not there", select, using = !(region == scope.region || scope.region == Region::Us))]
    struct NotThere { #[column(primary_key)] id: i64, region: Region }

    #[derive(Debug, Table)]
    #[table(scope = Caller)]
    #[index(columns(name))]
    #[policy("whoever is not", select, using = scope.staff || !(name == scope.name))]
    struct OfStaff { #[column(primary_key)] id: i64, name: String }
}

const NOBODY: Caller = Caller {
    org: None,
    small: None,
    level: None,
    big: None,
    staff: None,
    day: None,
    region: None,
    name: None,
};

const ROLE: &str = "policies_typed";

const ROWS: &str = "
insert into of_org select n, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid from generate_series(1, 20000) n;
insert into of_small select n, case n when 1 then -32768 when 2 then 32767 else 3 end from generate_series(1, 20000) n;
insert into of_level values (1, -2147483648), (2, 2147483647);
insert into of_level select n, n from generate_series(3, 20000) n;
insert into of_big values (1, -9223372036854775808), (2, 9223372036854775807);
insert into of_big select n, n from generate_series(3, 20000) n;
insert into of_day select n, date '0001-01-01' + n from generate_series(0, 800000, 50) n;
insert into of_day values (900001, '2024-02-29'), (900002, '9999-12-31'), (900003, '2000-02-29') on conflict do nothing;
insert into of_name select n, n from generate_series(1, 20000) n;
insert into of_region values (1, 'eu'), (2, 'us');
insert into elsewhere values (1, 'eu'), (2, 'us');
insert into not_there values (1, 'eu'), (2, 'us');
insert into of_staff values (1, ''), (2, 'acme');
analyze;
";

/// A table, the setting that its policy reads, and the type that the setting is.
const TYPED: [(&str, &str, &str, &str); 5] = [
    ("of_org", "app.org", "uuid", "org"),
    ("of_small", "app.small", "int2", "small"),
    ("of_level", "app.level", "int4", "level"),
    ("of_big", "app.big", "int8", "big"),
    ("of_day", "app.day", "date", "day"),
];

/// More digits than PostgreSQL reads as any number.
const DIGITS: &str = match std::str::from_utf8(&MANY) {
    Ok(text) => text,
    Err(_) => "",
};
static MANY: [u8; 140_000] = [b'7'; 140_000];

/// What a setting may hold that somebody else has set, or nobody.
const GARBAGE: [&str; 36] = [
    "",
    " ",
    "abc",
    "-",
    "+1",
    "1.5",
    "1e3",
    " 1",
    "1 ",
    "1\n",
    "\n1",
    "٣",
    "0x10",
    "--1",
    "32768123456789",
    "99999999999999999999",
    "9223372036854775808",
    "-9223372036854775809",
    "00000000-0000-4000-8000-00000000000",
    "00000000-0000-4000-8000-0000000000011",
    "00000000-0000-4000-8000-000000000001\n",
    // A hyphen in the place of a digit, and a digit that is none.
    "-0000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-00000000000-",
    "00000000-0-00-4000-8000-000000000001",
    "00000000-0000-4000-8000-00000000000٣",
    // What a `numeric` has no room for either.
    DIGITS,
    "-00000000000000000000",
    "{00000000-0000-4000-8000-000000000001",
    "g0000000-0000-4000-8000-000000000001",
    "2023-02-29",
    "1900-02-29",
    "2024-02-30",
    "2024-13-01",
    "2024-00-10",
    "0000-01-01",
    "infinity",
];

#[tokio::test]
async fn every_eight_byte_integer_is_a_value_and_no_other_number_is() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    // Each digit of the greatest one in its turn as every digit there is, what follows as small and as great as it
    // can be.
    let greatest = i64::MAX.to_string();
    let mut texts: Vec<String> = vec![i64::MIN.to_string()];
    for at in 0..greatest.len() {
        for digit in '0'..='9' {
            for rest in ["0", "9"] {
                let rest = rest.repeat(greatest.len() - at - 1);
                let text = format!("{}{digit}{rest}", &greatest[..at]);
                texts.extend([format!("-{text}"), text]);
            }
        }
    }
    let fits = |text: &str| text.parse::<i64>().is_ok();
    let values: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|it| fits(it))
        .collect();
    let rows = format!(
        "insert into of_big select row_number() over (), v from (select distinct v from unnest('{{{}}}'::bigint[]) v) v",
        values.join(",")
    );
    world.admin.batch_execute(&rows).await?;
    for text in &texts {
        let seen = world.counts(ROLE, &[("app.big", text)], "of_big").await;
        assert_eq!(seen, Ok(i64::from(fits(text))), "{text}");
    }
    assert!(values.len() > 300 && values.len() < texts.len());
    world.close().await
}

#[tokio::test]
async fn what_is_no_value_of_the_type_denies_and_never_raises() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;

    // With a bare cast the same settings raise, and the error quotes what was set.
    for (table, setting, ty, column) in TYPED {
        let policy = format!(
            "create table bare_{table} as select * from {table};
             alter table bare_{table} enable row level security;
             grant select on bare_{table} to {ROLE};
             create policy p on bare_{table} to {ROLE}
               using ({column} = nullif((select current_setting('{setting}', true)), '')::{ty})"
        );
        world.admin.batch_execute(&policy).await?;
        let raised = world
            .counts(ROLE, &[(setting, "abc")], &format!("bare_{table}"))
            .await;
        assert!(
            raised.as_ref().is_err_and(|error| error.contains("abc")),
            "{table}: {raised:?}"
        );
        for text in GARBAGE {
            let seen = world.counts(ROLE, &[(setting, text)], table).await;
            assert_eq!(seen, Ok(0), "{table}: {text:?}");
        }
        // Unset, on a connection where it was never set and where it was.
        assert_eq!(world.counts(ROLE, &[], table).await, Ok(0));
    }
    for text in ["", "TRUE", "t", "1", "yes", "true\n", "abc"] {
        let seen = world.counts(ROLE, &[("app.staff", text)], "of_staff").await;
        assert_eq!(seen, Ok(0), "{text:?}");
    }
    world.close().await
}

#[tokio::test]
async fn what_is_no_variant_is_nobodys_region() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    let texts = [
        "", "garbage", "EU", "eu ", "eu\n", "eu|us", "(eu)", "no 1", "it's", "no (\\d)",
    ];
    for text in texts {
        for table in ["of_region", "elsewhere", "not_there"] {
            let seen = world.counts(ROLE, &[("app.region", text)], table).await;
            assert_eq!(seen, Ok(0), "{table}: {text:?}");
        }
    }
    for (text, elsewhere, not_there) in [("eu", 1, 1), ("us", 1, 0), ("no (\\d)|it's.*", 2, 2)] {
        let region = [("app.region", text)];
        assert_eq!(
            world.counts(ROLE, &region, "elsewhere").await,
            Ok(elsewhere)
        );
        assert_eq!(
            world.counts(ROLE, &region, "not_there").await,
            Ok(not_there)
        );
    }
    let odd = world.app.scope(Caller {
        region: Some(Region::Odd),
        ..NOBODY
    });
    assert_eq!(
        Elsewhere::by_region(Region::Eu)
            .fetch_all(&odd)
            .await?
            .len(),
        1
    );
    drop(odd);
    world.close().await
}

#[tokio::test]
async fn the_ends_of_every_type_are_values() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    for (setting, text, table) in [
        ("app.org", "00000000-0000-4000-8000-000000000001", "of_org"),
        ("app.small", "-32768", "of_small"),
        ("app.small", "32767", "of_small"),
        ("app.level", "-2147483648", "of_level"),
        ("app.level", "2147483647", "of_level"),
        ("app.big", "-9223372036854775808", "of_big"),
        ("app.big", "9223372036854775807", "of_big"),
        ("app.day", "2024-02-29", "of_day"),
        ("app.day", "2000-02-29", "of_day"),
        ("app.day", "9999-12-31", "of_day"),
        ("app.region", "us", "of_region"),
    ] {
        let seen = world.counts(ROLE, &[(setting, text)], table).await;
        assert_eq!(seen, Ok(1), "{setting} = {text}");
    }

    // Every day of four centuries is a day, and nothing between two days is.
    let sql = crate::common::sql(SOURCE, tabellion_sql::schema::Platform::Postgres)?;
    let form = sql
        .split("day = (select case when given ~ '")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .ok_or("no form of a day")?;
    let wrong: i64 = world
        .admin
        .query_one(
            "with days as (
               select to_char(date '1800-01-01' + n, 'YYYY-MM-DD') as day
               from generate_series(0, date '2200-12-31' - date '1800-01-01') n
             ), texts as (
               select format('%s-%s-%s', y, lpad(m::text, 2, '0'), lpad(d::text, 2, '0')) as day
               from generate_series(1800, 2200) y, generate_series(0, 13) m, generate_series(0, 32) d
             )
             select count(*) from texts left join days using (day)
             where (texts.day ~ $1) <> (days.day is not null)",
            &[&form],
        )
        .await?
        .get(0);
    assert_eq!(wrong, 0);
    world.close().await
}

#[tokio::test]
async fn what_a_scope_leaves_out_denies() -> Outcome {
    let world = World::of(SOURCE, &[ROLE]).await?;
    world.admin.batch_execute(ROWS).await?;
    let org = Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0007);
    let some = world.app.scope(Caller {
        org: Some(org),
        small: Some(-32768),
        big: Some(i64::MAX),
        day: Some(jiff_date(2024, 2, 29)),
        region: Some(Region::Us),
        name: Some("acme".into()),
        ..NOBODY
    });
    assert_eq!(OfOrg::by_org(org).fetch_all(&some).await?.len(), 1);
    assert_eq!(OfSmall::by_small(-32768).fetch_all(&some).await?.len(), 1);
    assert_eq!(OfBig::by_big(i64::MAX).fetch_all(&some).await?.len(), 1);
    assert_eq!(
        OfRegion::by_region(Region::Us)
            .fetch_all(&some)
            .await?
            .len(),
        1
    );
    assert_eq!(
        OfDay::by_day(jiff_date(2024, 2, 29))
            .fetch_all(&some)
            .await?
            .len(),
        1
    );
    // Whoever is not acme; a negation opens nothing where the name is not set.
    assert_eq!(OfStaff::by_name("").fetch_all(&some).await?.len(), 1);

    let nobody = world.app.scope(NOBODY);
    assert!(OfOrg::by_org(org).fetch_all(&nobody).await?.is_empty());
    assert!(OfBig::by_big(i64::MAX).fetch_all(&nobody).await?.is_empty());
    assert!(OfStaff::by_name("").fetch_all(&nobody).await?.is_empty());
    let staff = Caller {
        staff: Some(true),
        ..NOBODY
    };
    let staff = world.app.scope(staff);
    assert_eq!(OfStaff::by_name("acme").fetch_all(&staff).await?.len(), 1);

    // An empty text is forgotten rather than absent.
    let empty = Caller {
        name: Some(String::new()),
        ..NOBODY
    };
    let refused = OfStaff::by_name("")
        .fetch_all(&world.app.scope(empty))
        .await;
    assert!(matches!(
        refused,
        Err(tabellion::Error::EmptyScope {
            setting: "app.name"
        })
    ));
    drop((some, nobody, staff));
    world.close().await
}

fn jiff_date(year: i16, month: i8, day: i8) -> Date {
    Date::constant(year, month, day)
}
