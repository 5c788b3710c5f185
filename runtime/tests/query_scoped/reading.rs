//! Finders: ranges, counts, limits, and the plans that they get.

use std::ops::Bound;

use tabellion::testing::finder_plans;
use tabellion::{Error, Projection, Table};

use crate::support::*;

#[tokio::test]
async fn a_range_follows_the_values() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    fixture.seed(10, 3).await?;
    let amounts = async |finder: tabellion::Finder<Note, (), tabellion::query::Total>| {
        let found = finder.fetch_all(&acme).await?;
        Ok::<_, Error>(found.iter().map(|note| note.amount).collect::<Vec<_>>())
    };
    let by = || Note::by_shop("acme");
    assert_eq!(amounts(by().range(3..5)).await?, [4, 3]);
    assert_eq!(amounts(by().range(3..=5)).await?, [5, 4, 3]);
    assert_eq!(amounts(by().range(8..)).await?, [9, 8]);
    assert_eq!(amounts(by().range(..2).reverse()).await?, [0, 1]);
    assert_eq!(amounts(by().range(..=2).limit(2)).await?, [2, 1]);
    let between = (Bound::Excluded(3), Bound::Excluded(5));
    assert_eq!(amounts(by().range(between)).await?, [4]);
    // A range that ends where it begins holds nothing, and a NULL lies in none.
    assert!(amounts(by().range(5..5)).await?.is_empty());
    let said = Note::said("acme").range("a"..).fetch_all(&acme).await?;
    assert!(said.is_empty());
    Ok(())
}

#[tokio::test]
async fn counting_takes_no_rows() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    fixture.seed(10, 3).await?;
    assert_eq!(Note::by_shop("acme").count(&acme).await?, 10);
    assert_eq!(Note::by_shop("acme").limit(4).count(&acme).await?, 4);
    assert_eq!(Note::by_shop("acme").range(7..).count(&acme).await?, 3);
    assert_eq!(Note::by_shop("acme").count(&other).await?, 0);
    assert!(Note::by_shop("acme").eq(3).exists(&acme).await?);
    assert!(!Note::by_shop("acme").eq(30).exists(&acme).await?);
    assert!(!Note::by_shop("acme").exists(&other).await?);
    let first = Note::by_shop("acme").first(&acme).await?;
    assert_eq!(first.map(|note| note.amount), Some(9));
    assert!(Note::by_shop("none").first(&acme).await?.is_none());
    Ok(())
}

/// Some columns, in another order than the table's; the key is not among them.
#[derive(Debug, PartialEq, Projection)]
#[projection(of = Note)]
struct Said {
    body: Option<String>,
    kind: Kind,
    shop: String,
}

#[tokio::test]
async fn a_projection_reads_its_columns_only() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    fixture.seed(10, 3).await?;
    assert_eq!(Said::COLUMNS, ["body", "kind", "shop"]);
    let by = || Note::by_shop("acme").select::<Said>();
    let first = by().first(&acme).await?;
    let said = Said {
        body: None,
        kind: Kind::Call,
        shop: "acme".into(),
    };
    assert_eq!(first, Some(said));
    assert!(by().fetch_all(&other).await?.is_empty());
    // Its pages go on by the key all the same.
    let page = by().limit(6).page(&acme).await?;
    let next = page.next.ok_or("there is more")?;
    let rest = Note::by_shop("acme").after(&next).page(&acme).await?;
    let amounts: Vec<i32> = rest.rows.iter().map(|note| note.amount).collect();
    assert_eq!(amounts, [3, 2, 1, 0]);
    Ok(())
}

#[tokio::test]
async fn without_an_index_it_takes_a_reason() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let (acme, other) = (shop(&db, "acme"), shop(&db, "other"));
    fixture.seed(100, 3).await?;
    let all = || Note::unindexed("a test");
    assert_eq!(all().fetch_all(&acme).await?.len(), 100);
    assert_eq!(all().limit(7).fetch_all(&acme).await?.len(), 7);
    assert_eq!(all().count(&acme).await?, 100);
    assert_eq!(all().limit(7).count(&acme).await?, 7);
    assert_eq!(all().count(&other).await?, 0);
    let mut stream = all().stream(&acme).await?;
    let mut count = 0;
    while let Some(note) = stream.try_next().await? {
        assert_eq!(note.shop, "acme");
        count += 1;
    }
    assert_eq!(count, 100);
    assert_eq!(
        refused(Note::unindexed(" ").count(&acme).await).to_string(),
        "`notes` is to be read without an index, and the reason is empty; say why, or add an index"
    );
    let limit = refused(all().limit(-1).count(&acme).await);
    assert!(matches!(limit, Error::Limit { .. }), "{limit}");
    Ok(())
}

#[tokio::test]
async fn a_limit_that_is_no_number_of_rows_sends_nothing() -> Outcome {
    let fixture = Fixture::new().await?;
    let (url, flights) = crate::proxy::counting(&fixture.url).await?;
    let db = pool(&url, 1).await?;
    let acme = shop(&db, "acme");
    fixture.seed(10, 1).await?;
    let before = flights.count();
    let by = || Note::by_shop("acme");
    let negative = refused(by().limit(-1).fetch_all(&acme).await);
    assert_eq!(
        negative.to_string(),
        "the limit of a finder of `notes` is no number of rows; give one from 0 to 4294967295"
    );
    assert_eq!(refused(by().limit(i64::MAX).count(&acme).await), negative);
    assert_eq!(refused(by().limit(-7_i64).first(&acme).await), negative);
    assert_eq!(flights.count(), before);
    assert_eq!(by().limit(u32::MAX).fetch_all(&acme).await?.len(), 10);
    assert!(by().limit(0_usize).fetch_all(&acme).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn every_form_of_every_finder_reads_along_its_index() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(100, 300).await?;
    // Not among the others, since their bodies may be larger than an index takes.
    let said = "create index notes_said on notes (shop, body desc nulls last); analyze";
    fixture.admin.batch_execute(said).await?;
    let acme = Shop {
        domain: "acme".into(),
    };
    let plans = finder_plans::<Note, Shop>(&fixture.url, &acme).await?;
    assert!(plans.len() > 50, "{}", plans.len());
    for plan in &plans {
        assert_eq!(plan.fault(), None, "{plan}");
    }
    // Without its index a finder does not pass.
    fixture
        .admin
        .batch_execute("drop index notes_by_shop")
        .await?;
    let plans = finder_plans::<Note, Shop>(&fixture.url, &acme).await?;
    let faults = plans.iter().filter(|plan| plan.index == "notes_by_shop");
    let (mut faulty, mut all) = (0, 0);
    for plan in faults {
        all += 1;
        faulty += usize::from(plan.fault().is_some());
    }
    assert!(faulty * 2 > all, "{faulty} of {all}");
    Ok(())
}

/// Wherever the network cuts the answer.
#[tokio::test]
async fn a_stream_comes_in_pieces_of_any_size() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(20, 1).await?;
    for piece in [1, 2, 7, 13, 20, 25, 30, 50, 64] {
        let pace = crate::proxy::Pace {
            piece,
            pause: std::time::Duration::from_micros(200),
        };
        let (url, _) = crate::proxy::start(&fixture.url, pace).await?;
        let db = pool(&url, 1).await?;
        let acme = shop(&db, "acme");
        for _ in 0..2 {
            let mut stream = Note::by_shop("acme").stream(&acme).await?;
            let mut rows = 0;
            while stream.try_next().await?.is_some() {
                rows += 1;
            }
            assert_eq!(rows, 20, "{piece}");
        }
    }
    Ok(())
}
