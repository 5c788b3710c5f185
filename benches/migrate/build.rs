//! Writes the same migrations in the layout of each peer, and the Rust that embeds them.
//!
//! diesel and Tabellion are given their files by their own macros, as their documentation shows; the macros
//! take paths relative to the package only, so that is how the build's folder is named to them. The
//! macros of sqlx and refinery are slow to compile with so many files, so `peers.rs` reads the files of the
//! one from the folder and does what the other would write; sea-orm-migration has none.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tabellion_sql::file::Document;
use tabellion_sql::lock::{DOWN, LOCK, Lock, NewPair, UP, schema_checksum};
use tabellion_sql::schema::Schema;

/// How many migrations there are.
const COUNT: usize = 1000;

/// The packages whose versions the report names.
const NAMED: [&str; 7] = [
    "diesel",
    "diesel_migrations",
    "refinery",
    "sea-orm",
    "sea-orm-migration",
    "sqlx",
    "tabellion",
];

/// One migration; Tabellion's comes with the way back, which the other layouts do without.
struct Migration {
    /// Fourteen digits, a second apart.
    version: String,
    name: String,
    up: String,
    down: String,
}

fn migration(number: usize) -> Migration {
    let table = format!("note_{number:04}");
    let shop = "shop = (select current_setting('app.shop', true))";
    Migration {
        version: format!(
            "20260101{:02}{:02}{:02}",
            number / 3600,
            number / 60 % 60,
            number % 60
        ),
        name: format!("add_{table}"),
        up: format!(
            "create table {table} (\n  id bigint generated always as identity primary key,\n  shop text not null,\n  \
             body text,\n  created_at timestamptz not null default now()\n);\n\
             create index {table}_by_shop on {table} (shop, created_at desc);\n\
             alter table {table} enable row level security;\n\
             create policy reads on {table} for select using ({shop});\n\
             create policy writes on {table} for insert with check ({shop});\n"
        ),
        down: format!("drop table {table};\n"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let package = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rustc-env=VERSIONS={}", versions(&package)?);

    let migrations: Vec<Migration> = (1..=COUNT).map(migration).collect();
    for layout in ["diesel", "refinery", "sqlx", DOWN, UP] {
        let _ = fs::remove_dir_all(out.join(layout));
    }
    write_plain(&out, &migrations)?;
    seal(&out, &migrations)?;

    let here = from(&package, &out);
    let mut code = format!(
        "pub(crate) const DIESEL: diesel_migrations::EmbeddedMigrations =\n    \
         diesel_migrations::embed_migrations!(\"{here}/diesel\");\n\
         pub(crate) fn tabellion() -> tabellion::migrate::Migrations {{\n    \
         tabellion::migrations!(\"{here}\")\n}}\n\
         pub(crate) const NAMED: [(&str, &str); {COUNT}] = [\n"
    );
    for Migration { version, name, .. } in &migrations {
        let file = format!("m{version}_{name}");
        writeln!(
            code,
            "    ({file:?}, include_str!(\"sqlx/{version}_{name}.sql\")),"
        )?;
    }
    code.push_str("];\n");
    writeln!(
        code,
        "pub(crate) const REFINERY: [(&str, &str); {COUNT}] = ["
    )?;
    for (number, Migration { name, .. }) in (1..).zip(&migrations) {
        let file = format!("V{number}__{name}");
        writeln!(
            code,
            "    ({file:?}, include_str!(\"refinery/{file}.sql\")),"
        )?;
    }
    code.push_str("];\n");
    fs::write(out.join("embedded.rs"), code)?;
    Ok(())
}

/// `diesel/VERSION_NAME/up.sql`, `refinery/V1__NAME.sql`, `sqlx/VERSION_NAME.sql`; sea-orm-migration has
/// no layout for files of SQL.
fn write_plain(out: &Path, migrations: &[Migration]) -> Result<(), Box<dyn Error>> {
    for folder in ["refinery", "sqlx"] {
        fs::create_dir_all(out.join(folder))?;
    }
    for (number, migration) in (1..).zip(migrations) {
        let Migration {
            version,
            name,
            up,
            down,
        } = migration;
        let diesel = out.join(format!("diesel/{version}_{name}"));
        fs::create_dir_all(&diesel)?;
        fs::write(diesel.join("up.sql"), up)?;
        fs::write(diesel.join("down.sql"), down)?;
        fs::write(out.join(format!("refinery/V{number}__{name}.sql")), up)?;
        fs::write(out.join(format!("sqlx/{version}_{name}.sql")), up)?;
    }
    Ok(())
}

/// `tabellion.lock`, `migrations/VERSION_NAME.sql`, `rollbacks/VERSION_NAME.sql`: a chain, link by link.
fn seal(out: &Path, migrations: &[Migration]) -> Result<(), Box<dyn Error>> {
    for folder in [UP, DOWN] {
        fs::create_dir_all(out.join(folder))?;
    }
    let mut lock = Lock::default();
    for Migration {
        version,
        name,
        up,
        down,
    } in migrations
    {
        let pair = NewPair {
            version: version.clone(),
            up: Document::parse(&format!("-- Sealed.\n\n{up}"))?,
            down: Document::parse(&format!("-- Sealed.\n\n{down}"))?,
            // Written by hand, so that no struct's schema changes.
            schema: Some(schema_checksum(&Schema::default())),
        };
        let texts = lock.seal(name, vec![pair], Schema::default())?;
        for [up, down] in texts {
            let file = format!("{version}_{name}.sql");
            fs::write(out.join(UP).join(&file), up)?;
            fs::write(out.join(DOWN).join(&file), down)?;
        }
    }
    fs::write(out.join(LOCK), lock.to_text())?;
    Ok(())
}

/// The way from a folder to another: up to the root, and down again.
fn from(here: &Path, there: &Path) -> String {
    let up = here.components().skip(1).map(|_| "..");
    let up: Vec<&str> = up.collect();
    format!("{}{}", up.join("/"), there.display())
}

/// The versions of the peers as the lock file of this package pins them: `diesel 2.3.14, refinery 0.10.0`.
fn versions(package: &Path) -> Result<String, Box<dyn Error>> {
    let lock = fs::read_to_string(package.join("Cargo.lock"))?;
    let mut found = Vec::new();
    for entry in lock.split("[[package]]") {
        let value = |key: &str| {
            let mut values = entry.lines().filter_map(|line| line.strip_prefix(key));
            values.next().map(|value| value.trim_matches('"'))
        };
        if let (Some(name), Some(version)) = (value("name = "), value("version = "))
            && NAMED.contains(&name)
        {
            found.push(format!("{name} {version}"));
        }
    }
    Ok(found.join(", "))
}
