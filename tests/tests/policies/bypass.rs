//! Past row-level security: with a reason, with a login that may, and from nowhere else.
#![allow(dead_code)] // Rows are counted more than read.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tabellion::{Database, Error, Scope, Table};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::support::{Outcome, World, declared};

declared! {
    #[derive(Clone, Scope)]
    #[scope(role = "policies_bypassed")]
    struct Shop {
        #[setting("app.shop")]
        domain: String,
    }

    #[derive(Debug, Table)]
    #[table(name = "tasks", scope = Shop)]
    #[index(columns(kind))]
    #[policy("own", select, using = shop == scope.domain)]
    struct Task {
        #[column(primary_key)]
        id: i64,
        shop: String,
        kind: String,
    }
}

#[tokio::test]
async fn bypassing_takes_a_reason_and_a_login_that_may() -> Outcome {
    let world = World::of(SOURCE, &["policies_bypassed"]).await?;
    world
        .admin
        .batch_execute("insert into tasks values (1, 'acme', 'call'), (2, 'other', 'call')")
        .await?;
    for blank in ["", " \n"] {
        assert_eq!(world.app.bypass(blank).err(), Some(Error::NoReason));
    }

    // The application's login would be given a part of the rows, or nothing, for all.
    let bypass = world.app.bypass("a report")?;
    let refused = Task::by_kind("call").bypassing(&bypass).fetch_all().await;
    let error = refused.expect_err("it cannot");
    assert!(
        error
            .to_string()
            .contains("cannot bypass row-level security; connect with one that can"),
        "{error}"
    );

    // The superuser stands for whoever can.
    let ops = Database::connect(world.owner()).await?;
    let bypass = ops.bypass("a report")?;
    assert_eq!(
        format!("{bypass:?}"),
        "Bypass { reason: Some(\"a report\") }"
    );
    let all = Task::by_kind("call").bypassing(&bypass).fetch_all().await?;
    assert_eq!(all.len(), 2);
    // No policy allows these to the scope, and so they do not compile there.
    let new = NewTask {
        id: 3,
        shop: "third".into(),
        kind: "visit".into(),
    };
    assert_eq!(Task::insert(new).bypassing(&bypass).execute().await?, 1);
    let update = Task::update(3).set(Task::KIND, "call");
    assert_eq!(update.bypassing(&bypass).execute().await?, 1);
    let third = Task::find(3).bypassing(&bypass).fetch_optional().await?;
    assert_eq!(third.map(|task| task.kind), Some("call".into()));
    assert_eq!(Task::delete(3).bypassing(&bypass).execute().await?, 1);

    // A login that bypasses gets no scope, whatever it has asked for before.
    let scope = ops.scope(Shop {
        domain: "acme".into(),
    });
    let scoped = Task::by_kind("call").fetch_all(&scope).await;
    assert!(matches!(scoped, Err(Error::LoginBypasses { .. })));
    drop((bypass, scope));
    ops.close();
    world.close().await
}

/// What is logged, a line for each event and each span with its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a String takes all");
    }
}

impl Log {
    fn push(&self, metadata: &tracing::Metadata<'_>, fields: impl FnOnce(&mut Line)) {
        let mut line = Line(format!("{} {}:", metadata.level(), metadata.target()));
        fields(&mut line);
        self.0.lock().expect("lines").push(line.0);
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("tabellion")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        self.push(attributes.metadata(), |line| attributes.record(line));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.push(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn bypassing_leaves_an_event_with_its_reason_and_no_value() -> Outcome {
    let world = World::of(SOURCE, &["policies_bypassed"]).await?;
    let ops = Database::connect(world.owner()).await?;
    let log = Log::default();
    // Were there one subscriber alone, a place that another thread reaches first would be judged by that thread, which
    // has none, and stay silent.
    let _second = tracing::Dispatch::new(log.clone());
    let logging = tracing::subscriber::set_default(log.clone());
    let bypass = ops.bypass("the yearly report")?;
    let new = NewTask {
        id: 4711,
        shop: "secret.example".into(),
        kind: "visit".into(),
    };
    Task::insert(new).bypassing(&bypass).execute().await?;
    Task::by_kind("visit")
        .bypassing(&bypass)
        .fetch_all()
        .await?;
    Task::by_kind("call").bypassing(&bypass).count().await?;
    // Who asks in a scope leaves none.
    let acme = world.app.scope(Shop {
        domain: "acme".into(),
    });
    Task::by_kind("visit").fetch_all(&acme).await?;
    drop(logging);

    let lines = log.0.lock().expect("lines").clone();
    let told: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("past row-level security"))
        .collect();
    assert_eq!(told.len(), 3, "{lines:#?}");
    for (line, operation) in told.iter().zip(["insert", "select", "select"]) {
        assert!(line.starts_with("INFO tabellion"), "{line}");
        for part in ["the yearly report", "tasks", operation] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    for line in &lines {
        for value in ["4711", "secret.example", "visit", "call"] {
            assert!(!line.contains(value), "{value}: {line}");
        }
    }
    drop((bypass, acme));
    ops.close();
    world.close().await
}
