//! What `#[derive(Table)]` and the build script cost a `cargo check` after a touch, for each table,
//! against serde's two derives on the same structs in the same run.
//!
//! Run with `cargo bench -p tabellion-tests --bench derive_cost`; `RUNS=9` counts more runs.
//! Crates of 25, 100 and 400 ten-column tables, not incremental, each pair of checks in turn; the
//! cost of a table is what the crate takes beyond the same crate without any, divided by the tables.

use std::fmt::Write;
use std::time::{Duration, Instant};

use tabellion_tests::Package;

const SIZES: [usize; 3] = [25, 100, 400];

fn main() {
    let runs = std::env::var("RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(5);
    println!("milliseconds of `cargo check` for each ten-column table, medians of {runs} runs");
    println!(
        "{:>6}  {:>10}  {:>6}  {:>5}",
        "tables", "tabellion", "serde", "ratio"
    );
    let bases = [Subject::tabellion(0), Subject::serde(0)];
    for size in SIZES {
        let subjects = [Subject::tabellion(size), Subject::serde(size)];
        let mut costs = [Vec::new(), Vec::new()];
        for run in 0..=runs {
            for (index, costs) in costs.iter_mut().enumerate() {
                let base = bases[index].check();
                let whole = subjects[index].check();
                // The first builds the dependencies.
                if run > 0 {
                    costs.push(whole.saturating_sub(base).as_secs_f64() * 1000.0 / size as f64);
                }
            }
        }
        let mut ratios: Vec<f64> = costs[0].iter().zip(&costs[1]).map(|(a, b)| a / b).collect();
        let [mut ours, mut serdes] = costs;
        println!(
            "{size:>6}  {:>10.1}  {:>6.1}  {:>5.2}",
            median(&mut ours),
            median(&mut serdes),
            median(&mut ratios)
        );
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A crate to check.
struct Subject {
    package: Package,
    source: String,
}

impl Subject {
    fn tabellion(tables: usize) -> Self {
        let package = Package::new();
        let mut source = String::from(
            "use tabellion::{Scope, Table, Timestamp, Uuid};\n\
             #[derive(Scope)]\n#[scope(role = \"app\")]\n\
             pub struct Shop { #[setting(\"app.shop\")] pub domain: String }\n",
        );
        for n in 0..tables {
            let attributes = format!(
                "#[derive(Table)]\n#[table(name = \"table_{n}\", scope = Shop)]\n\
                 #[index(columns(shop, created_at desc), finder = \"by_shop\")]\n\
                 #[tenant(shop = scope.domain)]\n"
            );
            record(
                &mut source,
                n,
                &attributes,
                "#[column(primary_key, identity)] ",
                "#[column(default = now())] ",
            );
        }
        package.write("src/lib.rs", &source);
        Subject { package, source }
    }

    fn serde(tables: usize) -> Self {
        let package = Package::bare();
        let folder = package
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let unique = folder.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        package.write(
            "Cargo.toml",
            &format!(
                "[package]\nname = \"plain-{unique}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                 [dependencies]\nserde = {{ version = \"1\", features = [\"derive\"] }}\n\
                 uuid = {{ version = \"1\", features = [\"serde\"] }}\n\
                 jiff = {{ version = \"0.2\", default-features = false, features = [\"std\", \"serde\"] }}\n"
            ),
        );
        let mut source = String::from(
            "use serde::{Deserialize, Serialize};\nuse jiff::Timestamp;\nuse uuid::Uuid;\n",
        );
        for n in 0..tables {
            record(
                &mut source,
                n,
                "#[derive(Serialize, Deserialize)]\n",
                "",
                "",
            );
        }
        package.write("src/lib.rs", &source);
        Subject { package, source }
    }

    /// The time that `cargo check` takes after a touch.
    fn check(&self) -> Duration {
        self.package.write("src/lib.rs", &self.source);
        let start = Instant::now();
        self.package
            .cargo(&["check", "--quiet"], &[("CARGO_INCREMENTAL", "0")])
            .ok();
        start.elapsed()
    }
}

fn record(source: &mut String, n: usize, attributes: &str, key: &str, created: &str) {
    let _ = write!(
        source,
        "{attributes}pub struct Table{n} {{\n    {key}pub id: i64,\n    pub shop: String,\n    pub owner: Uuid,\n    \
         pub title: String,\n    pub body: Option<String>,\n    pub tags: Vec<String>,\n    pub count: i32,\n    \
         pub score: Option<f64>,\n    pub done: bool,\n    {created}pub created_at: Timestamp,\n}}\n"
    );
}
