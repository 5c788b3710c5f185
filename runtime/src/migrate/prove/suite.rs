//! The tests below a root, and what makes the tables that they are for.

use std::fs;
use std::io;
use std::path::Path;

use tabellion_sql::lock::{Draft, UNFINISHED};
use tabellion_sql::schema::Schema;

use crate::migrate::error::MigrateError;
use crate::migrate::set::Migrations;

const TESTS: &str = "tests/rls_tests.sql";

/// The tests of row-level security that a build has drawn.
pub struct RlsTests {
    pub(super) text: String,
    pub(super) source: Source,
}

/// What makes the tables.
pub(super) enum Source {
    /// The structs are as they were sealed.
    Sealed(Box<Migrations>),
    /// They say more: the whole schema as the build draws it.
    Drawn { sql: String, schema: Box<Schema> },
}

impl Source {
    pub(super) fn words(&self) -> &'static str {
        match self {
            Source::Sealed(_) => "the sealed migrations",
            Source::Drawn { .. } => "`schema.sql`, since there is a draft",
        }
    }
}

impl RlsTests {
    /// Reads the tests below a root, and the sealed migrations, or, where there is a draft, `schema.sql`.
    ///
    /// # Errors
    /// A file that is missing or cannot be read, a lock that cannot be used, files that are not as sealed.
    pub fn load(root: impl AsRef<Path>) -> Result<Self, MigrateError> {
        let root = root.as_ref();
        let shown = root.display();
        if root.join(UNFINISHED).exists() {
            return Err(MigrateError::files(format!(
                "the last build did not finish, so that the tests in `{shown}` are not what the structs say; put right \
                 what it reported, and build again"
            )));
        }
        let needed = |file: &str| {
            read(root, file)?.ok_or_else(|| {
                MigrateError::files(format!(
                    "`{shown}/{file}` does not exist; run `cargo build`"
                ))
            })
        };
        let text = needed(TESTS)?;
        let source = match read(root, "draft.lock")? {
            None => Source::Sealed(Box::new(Migrations::load(root)?)),
            Some(draft) => {
                let draft = Draft::parse(&draft).map_err(|error| {
                    MigrateError::files(format!("`{shown}/draft.lock` cannot be used: {error}"))
                })?;
                Source::Drawn {
                    sql: needed("schema.sql")?,
                    schema: Box::new(draft.schema),
                }
            }
        };
        Ok(RlsTests { text, source })
    }

    /// The schema that the tests are for.
    pub fn schema(&self) -> &Schema {
        match &self.source {
            Source::Sealed(set) => set.schema(),
            Source::Drawn { schema, .. } => schema,
        }
    }
}

fn read(root: &Path, file: &str) -> Result<Option<String>, MigrateError> {
    let path = root.join(file);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MigrateError::Io(format!(
            "`{}` cannot be read: {error}; see to its permissions",
            path.display()
        ))),
    }
}
