//! The children of many parents, in one statement.

use tabellion::{Error, each};

use crate::support::*;

#[tokio::test]
async fn each_parent_has_its_children_in_order_and_up_to_the_limit() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    // Five notes of each amount, so that an amount stands for a parent.
    for _ in 0..5 {
        fixture.seed(10, 3).await?;
    }
    let of = |amount: i32| Note::by_shop("acme").eq(amount).limit(3);
    each([of(1)]).fetch_all(&acme).await?;
    let before = flights.count();
    let wanted = [7, 3, 99, 3, 0];
    let found = each(wanted.map(of)).fetch_all(&acme).await?;
    assert_eq!(flights.count() - before, 1);
    assert_eq!(found.len(), wanted.len());
    for (list, amount) in found.iter().zip(wanted) {
        assert_eq!(list.len(), if amount == 99 { 0 } else { 3 });
        assert!(
            list.iter()
                .all(|note| note.amount == amount && note.shop == "acme")
        );
        assert!(list.is_sorted_by_key(|note| note.id));
    }
    // Without a limit all, backwards too, and ranges.
    let all = each([4, 5].map(|n| Note::by_shop("acme").eq(n).reverse()))
        .fetch_all(&acme)
        .await?;
    assert!(
        all.iter()
            .all(|list| list.len() == 5 && list.is_sorted_by(|a, b| a.id > b.id))
    );
    let ranges = [0..3, 8..20].map(|range| Note::by_shop("acme").range(range));
    let ranges = each(ranges).fetch_all(&acme).await?;
    let counts: Vec<usize> = ranges.iter().map(Vec::len).collect();
    assert_eq!(counts, [15, 10]);
    Ok(())
}

#[tokio::test]
async fn nobody_gets_the_children_of_another_tenants_parents() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    fixture.seed(10, 3).await?;
    let other = shop(&db, "shop 2");
    let finders = ["acme", "shop 2", "shop 1"].map(Note::by_shop);
    let found = each(finders).fetch_all(&other).await?;
    let counts: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(counts, [0, 10, 0]);
    Ok(())
}

#[tokio::test]
async fn what_is_no_one_statement_is_refused_before_it_is_sent() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    fixture.seed(10, 3).await?;
    each([Note::by_shop("acme")]).fetch_all(&acme).await?;
    let before = flights.count();
    let none: Vec<_> = each(std::iter::empty::<i32>().map(|n| Note::by_shop("acme").eq(n)))
        .fetch_all(&acme)
        .await?;
    assert!(none.is_empty());
    let mixed = [Note::by_shop("acme"), Note::by_shop("acme").reverse()];
    let error = refused(each(mixed).fetch_all(&acme).await);
    assert_eq!(
        error,
        Error::FindersDiffer {
            table: "notes".into()
        }
    );
    let limit = refused(
        each([Note::by_shop("acme").limit(-1)])
            .fetch_all(&acme)
            .await,
    );
    assert!(matches!(limit, Error::Limit { .. }), "{limit}");
    let nul = refused(
        each(["acme", "a\0b"].map(Note::by_shop))
            .fetch_all(&acme)
            .await,
    );
    assert!(
        matches!(&nul, Error::Encode { table, column, .. } if table == "notes" && column == "shop"),
        "{nul}"
    );
    assert_eq!(flights.count(), before);
    Ok(())
}
