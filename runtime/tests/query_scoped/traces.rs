//! What a subscriber sees of queries: names and numbers, never values.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use tabellion::{Error, Table};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::*;

type Fields = BTreeMap<&'static str, String>;

/// Every span and event of Tabellion's, in the order in which they began.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(&'static str, Fields)>>>);

struct Read<'a>(&'a mut Fields);

impl Visit for Read<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tabellion")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields::new();
        span.record(&mut Read(&mut fields));
        let mut all = self.0.lock().expect("no test panics here");
        all.push((span.metadata().name(), fields));
        Id::from_u64(all.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut all = self.0.lock().expect("no test panics here");
        let at = id.into_u64() as usize - 1;
        values.record(&mut Read(&mut all[at].1));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::new();
        event.record(&mut Read(&mut fields));
        let mut all = self.0.lock().expect("no test panics here");
        all.push(("event", fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Seen {
    /// The spans of that name since the last time, each as its fields' values.
    fn take(&self, name: &str, fields: &[&str]) -> Vec<String> {
        let all = std::mem::take(&mut *self.0.lock().expect("no test panics here"));
        for (_, seen) in &all {
            let text = format!("{seen:?}");
            assert!(!text.contains("acme") && !text.contains("secret"), "{text}");
        }
        let named = all.iter().filter(|(span, _)| *span == name);
        let values = named.map(|(_, seen)| {
            let values = fields.iter().filter_map(|field| seen.get(field));
            values.cloned().collect::<Vec<_>>().join(" ")
        });
        values.collect()
    }
}

#[tokio::test]
async fn each_query_has_a_span_with_its_finders_name() -> Outcome {
    let fixture = Fixture::new().await?;
    fixture.seed(200, 1).await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let seen = Seen::default();
    // Were there one subscriber alone, a place that another thread reaches first would be judged by that thread, which
    // has none, and stay silent.
    let _second = tracing::Dispatch::new(seen.clone());
    let _guard = tracing::subscriber::set_default(seen.clone());
    let fields = ["table", "operation", "finder", "rows", "error"];
    let queries = || seen.take("tabellion.query", &fields);

    Note::by_shop("acme").limit(3).fetch_all(&acme).await?;
    let id = Note::insert(note("acme"))
        .set(Note::BODY, "secret")
        .fetch_one(&acme)
        .await?
        .id;
    Note::find(id).fetch_one(&acme).await?;
    Note::delete(id).execute(&acme).await?;
    acme.execute("delete from notes where body = $1", ("secret",))
        .await?;
    Note::said("acme").delete().execute(&acme).await?;
    assert_eq!(
        queries(),
        [
            "public.notes select by_shop 3",
            "public.notes insert insert 1",
            "public.notes select find 1",
            "public.notes delete delete 1",
            "\"raw SQL\" raw SQL execute 0",
            "public.notes delete said 200",
        ]
    );
    // A refusal says why; a stream is one query, however many portions it takes.
    refused(Note::insert(note("other")).execute(&acme).await);
    fixture.seed(200, 0).await?;
    let mut stream = Note::by_shop("acme").stream(&acme).await?;
    while stream.try_next().await?.is_some() {}
    let refused = Error::RowRefused {
        table: "notes".into(),
    };
    assert_eq!(
        queries(),
        [
            format!("public.notes insert insert {refused}"),
            "public.notes select by_shop 200".to_owned(),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn a_wait_for_a_connection_is_seen() -> Outcome {
    let fixture = Fixture::new().await?;
    let db = fixture.connect(1).await?;
    let acme = shop(&db, "acme");
    let seen = Seen::default();
    // Were there one subscriber alone, a place that another thread reaches first would be judged by that thread, which
    // has none, and stay silent.
    let _second = tracing::Dispatch::new(seen.clone());
    let _guard = tracing::subscriber::set_default(seen.clone());
    let fields = ["connections", "max_connections", "available", "waiting"];
    let both = tokio::join!(
        acme.execute("select pg_sleep(0.05)", ()),
        acme.execute("select pg_sleep(0.05)", ())
    );
    both.0?;
    both.1?;
    assert_eq!(seen.take("tabellion.pool", &fields), ["1 1 1 0", "1 1 0 0"]);
    Ok(())
}
