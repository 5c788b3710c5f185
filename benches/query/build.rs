//! Draws up the SQL of the tables in `src/model.rs`, and notes the versions of the peers.

use std::error::Error;
use std::{env, fs};

/// The packages whose versions the report names.
const NAMED: [&str; 7] = [
    "deadpool-postgres",
    "diesel",
    "sea-orm",
    "sqlx",
    "tabellion",
    "toasty",
    "tokio-postgres",
];

fn main() -> Result<(), Box<dyn Error>> {
    tabellion_build::emit();
    println!("cargo::rerun-if-changed=Cargo.lock");
    let package = env::var("CARGO_MANIFEST_DIR")?;
    let lock = fs::read_to_string(format!("{package}/Cargo.lock"))?;
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
    println!("cargo::rustc-env=VERSIONS={}", found.join(", "));
    Ok(())
}
