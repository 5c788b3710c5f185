//! Pages: every row once, in every kind of order, whatever comes and goes meanwhile.

use tabellion::query::{Cursor, Page};
use tabellion::testing::finder_plans;
use tabellion::{Error, Json, Scoped, Table};

use crate::support::*;

#[allow(dead_code, reason = "most columns are there for the indexes")]
/// Orders of every kind: both directions, NULLs first and last, a key behind them.
#[derive(Debug, Table)]
#[table(name = "stops", scope = Shop)]
#[index(name = "stops_mixed", columns(shop, due desc, rank, id desc), finder = "mixed")]
#[index(name = "stops_last", columns(shop, rank, due desc nulls_last, id), finder = "nulls_last")]
#[index(name = "stops_first", columns(shop, rank nulls_first, id), finder = "nulls_first")]
#[index(name = "stops_named", columns(shop, name), unique, finder = "named")]
#[index(name = "stops_due", columns(shop, due desc), finder = "due")]
#[tenant(shop = scope.domain)]
pub(crate) struct Stop {
    #[column(primary_key, serial)]
    pub(crate) id: i32,
    pub(crate) shop: String,
    pub(crate) name: String,
    pub(crate) due: Option<i64>,
    pub(crate) rank: Option<i16>,
}

const STOPS: &str = "
create table stops (
  id serial primary key, shop text not null, name text not null, due int8, rank int2
);
create index stops_mixed on stops (shop, due desc, rank, id desc);
create index stops_last on stops (shop, rank, due desc nulls last, id);
create index stops_first on stops (shop, rank nulls first, id);
create unique index stops_named on stops (shop, name);
create index stops_due on stops (shop, due desc);
alter table stops enable row level security;
alter table stops force row level security;
create policy tenant on stops to query_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '')
  with check (shop = (select current_setting('app.current_shop', true)) and shop > '');
grant select, insert, update, delete on stops to query_shop;
insert into stops (shop, name, due, rank)
  select 'shop ' || n % 100, 'stop ' || n, nullif(n % 7, 0), nullif(n / 7 % 5, 0) from generate_series(1, 20000) n;
analyze stops;
";

async fn stops() -> Result<(Fixture, Scoped<Shop>), Box<dyn std::error::Error>> {
    let fixture = Fixture::new().await?;
    fixture.admin.batch_execute(STOPS).await?;
    let db = fixture.connect(1).await?;
    let scope = shop(&db, "shop 7");
    Ok((fixture, scope))
}

macro_rules! pages {
    ($scope:expr, $finder:expr, $rows:expr) => {{
        let (mut ids, mut after): (Vec<i32>, Option<Cursor<Stop>>) = (Vec::new(), None);
        loop {
            let finder = $finder.limit($rows);
            let page = match &after {
                // As it comes back from a client.
                Some(cursor) => {
                    finder
                        .after(&cursor.to_string().parse()?)
                        .page($scope)
                        .await?
                }
                None => finder.page($scope).await?,
            };
            assert!(page.rows.len() <= $rows);
            assert!(page.next.is_none() || page.rows.len() == $rows);
            ids.extend(page.rows.iter().map(|stop| stop.id));
            after = page.next;
            if after.is_none() {
                break ids;
            }
        }
    }};
}

#[tokio::test]
async fn pages_hold_every_row_once_in_every_order() -> Outcome {
    let (_fixture, scope) = stops().await?;
    macro_rules! same {
        ($finder:expr) => {
            for back in [false, true] {
                let finder = || if back { $finder.reverse() } else { $finder };
                let all = finder().fetch_all(&scope).await?;
                let all: Vec<i32> = all.iter().map(|stop| stop.id).collect();
                for rows in [1, 7, all.len(), all.len() + 1] {
                    assert_eq!(pages!(&scope, finder(), rows), all, "{rows} {back}");
                }
                assert!(!all.is_empty());
            }
        };
    }
    same!(Stop::mixed("shop 7"));
    same!(Stop::mixed("shop 7").eq(3));
    same!(Stop::mixed("shop 7").range(2..5));
    same!(Stop::nulls_last("shop 7"));
    same!(Stop::nulls_last("shop 7").eq(2));
    same!(Stop::nulls_first("shop 7"));
    same!(Stop::named("shop 7"));
    same!(Stop::named("shop 7").eq("stop 7"));
    Ok(())
}

#[tokio::test]
async fn rows_that_come_and_go_move_no_other() -> Outcome {
    let (fixture, scope) = stops().await?;
    let before: Vec<i32> = (Stop::mixed("shop 7").fetch_all(&scope).await?.iter())
        .map(|stop| stop.id)
        .collect();
    let (mut seen, mut after, mut gone) = (Vec::new(), None, Vec::new());
    loop {
        let finder = Stop::mixed("shop 7").limit(10);
        let page: Page<Stop> = match &after {
            Some(cursor) => finder.after(cursor).page(&scope).await?,
            None => finder.page(&scope).await?,
        };
        seen.extend(page.rows.iter().map(|stop| stop.id));
        let Some(next) = page.next else { break };
        // Twins of the last row, in front of it and behind, and the row itself is deleted.
        let last = page.rows.last().map(|stop| stop.id).unwrap_or_default();
        let twins = format!(
            "insert into stops (shop, name, due, rank) \
             select shop, name || ' ' || n, due, rank from stops, generate_series(1, 3) n where id = {last}; \
             delete from stops where id = {last}"
        );
        fixture.admin.batch_execute(&twins).await?;
        gone.push(last);
        after = Some(next);
    }
    assert!(gone.len() > 10);
    let old: Vec<i32> = seen
        .iter()
        .copied()
        .filter(|id| before.contains(id))
        .collect();
    assert_eq!(old, before);
    seen.sort_unstable();
    let count = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), count);
    Ok(())
}

#[tokio::test]
async fn a_cursor_goes_through_json_and_shows_no_value_in_a_log() -> Outcome {
    let (_fixture, scope) = stops().await?;
    let page = Stop::named("shop 7").limit(1).page(&scope).await?;
    let next = page.next.ok_or("there is more")?;
    let json = serde_json::to_string(&next)?;
    let read: Cursor<Stop> = serde_json::from_str(&json)?;
    assert_eq!(read, next);
    assert!(!format!("{next:?}").contains("stop"));
    let broken = serde_json::from_str::<Cursor<Stop>>("\"AAAA\"").err();
    assert_eq!(
        broken.map(|error| error.to_string()).as_deref(),
        Some(
            "the cursor does not fit this finder of `stops`: its text is not whole; begin without one"
        )
    );
    Ok(())
}

/// A cursor's text with other bytes for its values, and a right sum: whoever makes one up can.
fn forged<T>(cursor: &Cursor<T>, change: impl Fn(&mut Vec<u8>)) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = String::new();
    for digit in cursor.to_string().chars() {
        let number = DIGITS.find(digit).unwrap_or_default();
        bits.push_str(&format!("{number:06b}"));
    }
    let whole = bits.len() / 8;
    let mut bytes: Vec<u8> = (0..whole)
        .filter_map(|n| u8::from_str_radix(&bits[8 * n..8 * n + 8], 2).ok())
        .collect();
    bytes.truncate(bytes.len() - 4);
    change(&mut bytes);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in &bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    bytes.extend(((hash >> 32) as u32 ^ hash as u32).to_be_bytes());
    let mut bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    while !bits.len().is_multiple_of(6) {
        bits.push('0');
    }
    let digit = |n: usize| usize::from_str_radix(&bits[6 * n..6 * n + 6], 2).unwrap_or_default();
    (0..bits.len() / 6)
        .map(|n| DIGITS.as_bytes()[digit(n)] as char)
        .collect()
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_is_an_error_and_the_connection_stays() -> Outcome {
    let (fixture, scope) = stops().await?;
    let named = || Stop::named("shop 7").limit(3);
    let mixed = || Stop::mixed("shop 7").limit(3);
    let of_named = named().page(&scope).await?.next.ok_or("there is more")?;
    let of_mixed = mixed().page(&scope).await?.next.ok_or("there is more")?;
    let pid = "select pid from pg_stat_activity where usename like 'app%' and datname = current_database()";
    let before: i32 = fixture.admin.query_one(pid, &[]).await?.try_get(0)?;

    let other = refused(named().after(&of_mixed).page(&scope).await);
    assert_eq!(
        other.to_string(),
        "the cursor does not fit this finder of `stops`: \
         it belongs to another finder, or to another order of it; begin without one"
    );
    assert_eq!(
        refused(named().reverse().after(&of_named).page(&scope).await),
        other
    );
    assert_eq!(
        refused(mixed().after(&of_mixed).eq(3).page(&scope).await),
        other
    );

    let cursor = |text: String| text.parse::<Cursor<Stop>>();
    let is_refused = |result: Result<Page<Stop>, Error>| {
        let error = refused(result);
        assert!(
            matches!(&error, Error::Cursor { table, .. } if table == "stops"),
            "{error}"
        );
    };
    // The first byte of the only value stands behind version, finder and length.
    for (at, byte) in [(10, 0xff), (10, 0)] {
        let made_up = forged(&of_named, |bytes| bytes[at] = byte);
        is_refused(named().after(&cursor(made_up)?).page(&scope).await);
    }
    let null = forged(&of_named, |bytes| {
        bytes.truncate(9);
        bytes.push(0);
    });
    is_refused(named().after(&cursor(null)?).page(&scope).await);
    let more = forged(&of_named, |bytes| bytes.extend([2, b'x']));
    is_refused(named().after(&cursor(more)?).page(&scope).await);
    for wrong in [
        &[2, 9, 2, 9, 2, 9][..],
        &[10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 9],
    ] {
        let text = forged(&of_mixed, |bytes| {
            bytes.truncate(9);
            bytes.extend(wrong);
        });
        is_refused(mixed().after(&cursor(text)?).page(&scope).await);
    }
    // The caller's own value that no text can have is nothing that a cursor did.
    let error = refused(Stop::named("\0").after(&of_named).page(&scope).await);
    assert!(!matches!(error, Error::Cursor { .. }), "{error}");
    // Another tenant's place shows nothing of that tenant.
    let made_up = forged(&of_named, |bytes| {
        bytes.truncate(9);
        bytes.extend([2, b'a']);
    });
    let page = Stop::named("shop 8")
        .after(&cursor(made_up)?)
        .page(&scope)
        .await?;
    assert!(page.rows.is_empty());

    assert_eq!(named().fetch_all(&scope).await?.len(), 3);
    let after: i32 = fixture.admin.query_one(pid, &[]).await?.try_get(0)?;
    assert_eq!(before, after);
    Ok(())
}

/// Types in whose bytes the server looks for more than a length.
#[allow(dead_code, reason = "nobody looks at the rows")]
#[derive(Debug, Table)]
#[table(name = "parcels", scope = Shop)]
#[index(name = "parcels_marks", columns(shop, marks, id), finder = "by_marks")]
#[index(name = "parcels_data", columns(shop, data desc, id), finder = "by_data")]
#[tenant(shop = scope.domain)]
struct Parcel {
    #[column(primary_key)]
    id: i32,
    shop: String,
    marks: Vec<i32>,
    data: Json,
}

const PARCELS: &str = "
create table parcels (id int4 primary key, shop text not null, marks int4[] not null, data jsonb not null);
alter table parcels enable row level security;
alter table parcels force row level security;
create policy tenant on parcels to query_shop
  using (shop = (select current_setting('app.current_shop', true)) and shop > '');
grant select on parcels to query_shop;
insert into parcels select n, 'acme', array[n], '7' from generate_series(1, 9) n;
";

#[tokio::test]
async fn a_made_up_value_of_any_type_is_a_bad_cursor_and_names_its_column() -> Outcome {
    let (fixture, _) = stops().await?;
    fixture.admin.batch_execute(PARCELS).await?;
    let db = fixture.connect(1).await?;
    let scope = shop(&db, "acme");
    let by_marks = || Parcel::by_marks("acme").limit(3);
    let by_data = || Parcel::by_data("acme").limit(3);
    let of_marks = by_marks().page(&scope).await?.next.ok_or("there is more")?;
    let of_data = by_data().page(&scope).await?.next.ok_or("there is more")?;
    let at = |at: usize, byte: u8| move |bytes: &mut Vec<u8>| bytes[at] = byte;
    let id = |bytes: &mut Vec<u8>, value: &[u8]| {
        bytes.truncate(bytes.len() - 5);
        bytes.push(value.len() as u8 + 1);
        bytes.extend(value);
    };
    let marks = [
        // Behind version, finder and length: dimensions, flags, the type of the elements.
        (forged(&of_marks, at(10, 9)), "marks"),
        (forged(&of_marks, at(10 + 11, 25)), "marks"),
        (forged(&of_marks, |bytes| id(bytes, &[0, 0, 0])), "id"),
        (forged(&of_marks, |bytes| id(bytes, &[0; 5])), "id"),
    ];
    let data = [
        (forged(&of_data, at(10, 2)), "data"),
        (forged(&of_data, at(11, b'x')), "data"),
        (forged(&of_data, |bytes| id(bytes, &[0; 5])), "id"),
    ];
    let mut told = Vec::new();
    for (text, column) in marks {
        let page = by_marks().after(&text.parse()?).page(&scope).await;
        told.push((refused(page), column));
    }
    for (text, column) in data {
        let page = by_data().after(&text.parse()?).page(&scope).await;
        told.push((refused(page), column));
    }
    for (error, column) in told {
        assert_eq!(
            error.to_string(),
            format!(
                "the cursor does not fit column `{column}` of `parcels`: it holds a value that the column cannot \
                 have; begin without one"
            )
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_page_is_read_along_the_index() -> Outcome {
    let (fixture, scope) = stops().await?;
    // So many that PostgreSQL expects each column to count, and takes no index without one.
    let more = "insert into stops (shop, name, due, rank)
                  select 'shop ' || n % 100, 'stop ' || n, nullif(n % 7, 0), nullif(n / 7 % 5, 0)
                  from generate_series(20001, 250000) n;
                analyze stops";
    fixture.admin.batch_execute(more).await?;
    let plans = finder_plans::<Stop, Shop>(&fixture.url, scope.scope()).await?;
    for plan in &plans {
        assert_eq!(plan.fault(), None, "{plan}");
    }
    // Where all columns run one way, the whole place is in the index's condition.
    let rows = |plan: &&tabellion::testing::FinderPlan| plan.sql.contains("(name) > ($2)");
    let plan = plans.iter().find(rows).ok_or("there is such a form")?;
    assert!(plan.to_string().contains("(name > $2)"), "{plan}");
    Ok(())
}
