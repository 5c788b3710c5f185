//! A project in a temporary folder, sealed step by step as the build and `seal` do it.
#![allow(dead_code)] // each test file uses a part

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tabellion::migrate::{Migrations, SealOptions, SealedFiles, seal};
use tabellion::testing::{Server, TestDatabase};
use tabellion_sql::file::Header;
use tabellion_sql::lock::{Draft, Lock, draft_files};
use tabellion_sql::plan::{Plan, plan};
use tabellion_sql::schema::{
    Check, Column, Command, Expr, ForeignKey, Generated, Index, IndexColumn, Policy, PrimaryKey,
    QualifiedName, ReferentialAction, Rls, Role, Schema, Table, Type,
};

/// The role that the sample tables are for.
pub(crate) const ROLE: &str = "migrate_test_shop";

/// A fresh database.
pub(crate) async fn database() -> TestDatabase {
    let server = Server::shared().expect("a PostgreSQL server");
    server.database().await.expect("a fresh database")
}

/// A plain connection as the superuser.
pub(crate) async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

/// A project's root, removed when dropped.
pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        Project {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// The three migrations of [`step`] 1 to 3.
    pub(crate) fn sealed() -> Self {
        let project = Project::new();
        for number in 1..=3 {
            project.draw(&step(number));
            project.seal(&format!("step_{number}"));
        }
        project
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("db")
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(file)
    }

    pub(crate) fn lock(&self) -> Lock {
        match fs::read_to_string(self.path("tabellion.lock")) {
            Ok(text) => Lock::parse(&text).expect("the lock reads"),
            Err(_) => Lock::default(),
        }
    }

    /// Writes the draft that leads to a schema.
    pub(crate) fn draw(&self, schema: &Schema) {
        let sealed = self.lock().schema;
        let text = |plan: &Plan| {
            let header = Header {
                hazards: plan.hazards(),
                ..Header::default()
            };
            format!("-- Draft by Tabellion; seal it.\n{header}\n{}", plan.body())
        };
        self.draw_text(
            schema,
            &text(&plan(&sealed, schema)),
            &text(&plan(schema, &sealed)),
        );
    }

    /// Writes a draft of the given texts.
    pub(crate) fn draw_text(&self, schema: &Schema, up: &str, down: &str) {
        self.draw_pairs(schema, &[(up, down, schema)]);
    }

    /// Writes a draft of several pairs, each with the schema that it leads to.
    pub(crate) fn draw_pairs(&self, schema: &Schema, pairs: &[(&str, &str, &Schema)]) {
        let parent = self.lock().head().map(|head| head.checksum);
        let locked = pairs.iter().map(|(up, down, _)| [*up, *down]);
        let draft = Draft::new(parent, schema.clone(), locked);
        fs::create_dir_all(self.root()).expect("the root");
        for (index, (up, down, _)) in pairs.iter().enumerate() {
            let files = draft_files(index + 1);
            self.write(&files[0], up);
            self.write(&files[1], down);
        }
        self.write("draft.lock", &draft.to_text());
    }

    /// Seals SQL as it is, as a migration that leads to the schema already sealed.
    pub(crate) fn seal_sql(&self, name: &str, up: &str, down: &str) -> SealedFiles {
        let header = "-- Draft by Tabellion; seal it.\n\n";
        self.seal_text(name, &format!("{header}{up}"), &format!("{header}{down}"))
    }

    /// Seals two files as they are, as a migration that leads to the schema already sealed.
    pub(crate) fn seal_text(&self, name: &str, up: &str, down: &str) -> SealedFiles {
        self.draw_text(&self.lock().schema, up, down);
        self.seal(name)
    }

    /// Seals a draft of one pair, whatever it does.
    pub(crate) fn seal(&self, name: &str) -> SealedFiles {
        let header = Header::parse(&self.read("draft.sql")).expect("a header");
        let options = SealOptions {
            accept: header
                .to_accept()
                .map(|object| format!("{object}: tested"))
                .collect(),
            reviewed: true,
        };
        let sealed = seal(self.root(), name, &options).expect("the draft is sealed");
        sealed.into_iter().next().expect("a pair")
    }

    pub(crate) fn load(&self) -> Migrations {
        Migrations::load(self.root()).expect("the migrations load")
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).expect("the file is written");
    }

    pub(crate) fn read(&self, file: impl AsRef<Path>) -> String {
        fs::read_to_string(self.root().join(file)).expect("the file is read")
    }
}

fn column(name: &str, ty: Type) -> Column {
    Column::new(name, ty)
}

fn shop_is_mine() -> Expr {
    Expr::new(
        "shop = (select current_setting('app.shop', true)) and shop > ''",
        ["shop"],
    )
}

fn table(source: &str, columns: Vec<Column>, commands: &[Command]) -> Table {
    let policies = commands.iter().map(|&command| {
        let policy = Policy {
            command: Some(command),
            restrictive: false,
            roles: BTreeSet::from([ROLE.to_owned()]),
            using: (command != Command::Insert).then(shop_is_mine),
            check: matches!(command, Command::Insert | Command::Update).then(shop_is_mine),
        };
        (format!("Own rows: {command}"), policy)
    });
    Table {
        comment: Some(format!("It's what `{source}` keeps.")),
        columns,
        rls: Rls::Enabled(policies.collect()),
        grants: BTreeMap::from([(ROLE.to_owned(), commands.iter().copied().collect())]),
        ..Table::new(source)
    }
}

/// A schema after so many steps: a table; a second one in a schema of its own that references it;
/// another column, index and check on the first.
pub(crate) fn step(number: usize) -> Schema {
    let mut id = column("id", Type::Int4);
    id.generated = Some(Generated::Serial);
    let mut at = column("created_at", Type::Timestamptz(None));
    at.default = Some("now()".into());
    at.nullable = true;
    let mut orders = table(
        "shop::Order",
        vec![
            id,
            column("shop", Type::Text),
            column("total", Type::Numeric(Some((10, 2)))),
            at,
        ],
        &[Command::Select, Command::Insert, Command::Update],
    );
    orders.primary_key = Some(PrimaryKey {
        name: "order_pkey".into(),
        columns: vec!["id".into()],
        ..PrimaryKey::default()
    });
    let index = |columns: &[(&str, bool)], predicate| Index {
        predicate,
        ..Index::new(columns.iter().map(|&(name, descending)| IndexColumn {
            descending,
            ..IndexColumn::new(name)
        }))
    };
    orders.indexes.insert(
        "order_shop".into(),
        index(&[("shop", false), ("created_at", true)], None),
    );

    let mut notes = table(
        "shop::Note",
        vec![
            column("id", Type::Uuid),
            column("shop", Type::Text),
            column("order_id", Type::Int4),
        ],
        &[Command::Select],
    );
    notes.foreign_keys.insert(
        "note_order_id_fkey".into(),
        ForeignKey {
            on_delete: ReferentialAction::Cascade,
            ..ForeignKey::new(["order_id"], QualifiedName::new("public", "order"), ["id"])
        },
    );
    notes.columns[0].generated = None;
    notes.columns[0].default = Some("gen_random_uuid()".into());

    if number >= 3 {
        let mut state = column("state", Type::Text);
        state.default = Some("'open'".into());
        state.comment = Some("Where the order stands.".into());
        orders.columns.push(state);
        orders.checks.insert(
            "order_state_check".into(),
            Check::new(Expr::new("state in ('open', 'closed')", ["state"])),
        );
        let open = Some(Expr::new("state = 'open'", ["state"]));
        orders
            .indexes
            .insert("order_open".into(), index(&[("total", false)], open));
    }
    let mut schema = Schema {
        roles: BTreeMap::from([(ROLE.to_owned(), Role::Created)]),
        tables: BTreeMap::from([(QualifiedName::new("public", "order"), orders)]),
        ..Schema::default()
    };
    if number >= 2 {
        schema
            .tables
            .insert(QualifiedName::new("Desk", "note"), notes);
    }
    schema
}
