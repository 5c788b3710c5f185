//! PostgreSQL schemas that an extension has left, or that it shares with tables.

use tabellion::migrate::{SealOptions, seal};
use tabellion_sql::file::Header;
use tabellion_sql::plan::{Script, Settings, migrations};
use tabellion_sql::schema::{
    Column, Extension, PrimaryKey, QualifiedName, Renames, Role, Schema, Table, TableRenames, Type,
};

use super::migrate_support::{Project, ROLE, database};

use super::{ALONE, on, rehearsed};

/// The schema of each release: where `citext` lies if it is declared, and the tables.
type Release<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)]);

fn schema((home, tables): Release<'_>) -> Schema {
    let table = |source: &str| Table {
        columns: vec![Column::new("id", Type::Int8)],
        primary_key: Some(PrimaryKey {
            name: format!("{source}_pkey"),
            columns: vec!["id".into()],
            ..PrimaryKey::default()
        }),
        ..Table::new(format!("shop::{source}"))
    };
    let tables = tables.iter();
    let tables = tables.map(|&(at, name)| (QualifiedName::new(at, name), table(name)));
    let citext = home.map(|home| Extension {
        schema: Some(home.into()),
    });
    Schema {
        roles: [(ROLE.to_owned(), Role::Created)].into(),
        extensions: citext
            .map(|it| ("citext".to_owned(), it))
            .into_iter()
            .collect(),
        tables: tables.collect(),
        ..Schema::default()
    }
}

/// Seals what leads to a schema as the build draws it; a table of the same name moves.
fn release(project: &Project, number: usize, to: &Schema) {
    let lock = project.lock();
    let moved = to.tables.keys().filter_map(|name| {
        let mut old = lock.schema.tables.keys();
        let old = old.find(|old| old.name == name.name && *old != name)?;
        let hints = TableRenames {
            from: Some(old.clone()),
            ..TableRenames::default()
        };
        Some((name.clone(), hints))
    });
    let renames = Renames {
        tables: moved.collect(),
    };
    let settings = Settings {
        homes: lock.homes(),
        ..Settings::default()
    };
    let pairs = migrations(&lock.schema, to, &renames, &settings).expect("no question");
    let text = |script: &Script| {
        let header = Header {
            no_transaction: script.no_transaction,
            hazards: script.hazards(),
            ..Header::default()
        };
        format!(
            "-- Draft by Tabellion; seal it.\n{header}\n{}",
            script.body()
        )
    };
    let mut at = lock.schema.clone();
    let drawn = pairs.iter().map(|pair| {
        pair.advance(&mut at);
        (text(&pair.up), text(&pair.down), at.clone())
    });
    let drawn: Vec<_> = drawn.collect();
    let texts: Vec<_> = drawn
        .iter()
        .map(|(up, down, at)| (&**up, &**down, at))
        .collect();
    project.draw_pairs(to, &texts);
    let losses = pairs.iter().flat_map(|pair| pair.up.hazards());
    let losses = losses.filter_map(|hazard| Some(format!("{}: tested", hazard.to_accept()?)));
    let options = SealOptions {
        accept: losses.collect(),
        reviewed: true,
    };
    seal(project.root(), &format!("release_{number}"), &options).expect("it is sealed");
}

#[tokio::test]
async fn a_schema_that_an_extension_has_left_takes_tables() {
    let _alone = ALONE.lock().await;
    let a = ("public", "a");
    let b = ("one", "b");
    let stories: [(&str, &[Release<'_>]); 7] = [
        (
            "moved, in the same release",
            &[(Some("one"), &[a]), (Some("two"), &[a, b])],
        ),
        (
            "no longer declared, and later a table",
            &[
                (Some("one"), &[a]),
                (None, &[a]),
                (None, &[a, b]),
                (None, &[a]),
            ],
        ),
        (
            "moved, and later a table",
            &[
                (Some("one"), &[a]),
                (Some("two"), &[a]),
                (Some("two"), &[a, b]),
            ],
        ),
        (
            "the other way round, and back",
            &[
                (Some("one"), &[("s", "a")]),
                (Some("s"), &[a]),
                (Some("one"), &[("s", "a")]),
                (Some("s"), &[("s", "a")]),
                (None, &[("s", "a")]),
                (None, &[a]),
                (None, &[("s", "a")]),
            ],
        ),
        (
            "shared",
            &[
                (Some("one"), &[a]),
                (Some("one"), &[a, b]),
                (Some("one"), &[a]),
            ],
        ),
        (
            "into one of tables",
            &[
                (Some("two"), &[b]),
                (Some("one"), &[b]),
                (Some("two"), &[b]),
            ],
        ),
        (
            "quoted",
            &[
                (Some("My one"), &[a]),
                (None, &[a, ("My one", "b")]),
                (None, &[a]),
            ],
        ),
    ];
    let database = database().await;
    for (what, releases) in stories {
        let project = Project::new();
        for (number, &release) in releases.iter().enumerate() {
            self::release(&project, number, &schema(release));
            let found = rehearsed(&project.load(), &on(&database)).await;
            assert!(found.is_clean(), "{what}, release {}:\n{found}", number + 1);
        }
    }
}
