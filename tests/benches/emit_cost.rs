//! What the build script costs: for 100, 300 and 1,000 ten-column tables, the first run, the first run where
//! all of it is sealed, and a run over unchanged content, with the memory that it takes at most.
//!
//! Run with `cargo bench -p tabellion-tests --bench emit_cost`; `RUNS=9` counts more runs. The script is
//! built as cargo builds one for a user, without optimisation, and run alone, without rustc.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use tabellion::migrate::{SealOptions, seal};
use tabellion_tests::Package;
use tempfile::TempDir;

const SIZES: [usize; 3] = [100, 300, 1000];

/// Tables in one file.
const PER_FILE: usize = 10;

/// What a run finds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Nothing,
    Sealed,
    Unchanged,
}

fn main() {
    let runs = std::env::var("RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(5);
    let script = script();
    let new = SIZES.map(subject);
    let sealed = [0, 1, 2].map(|size| {
        let package = copy(new[size].path());
        run(&script, package.path());
        seal(package.path().join("db"), "tables", &SealOptions::default()).expect("it is sealed");
        fs::remove_dir_all(package.path().join("out")).expect("no output is left");
        package
    });
    // By size and by what is found: seconds, in turn, so that a slow moment of the machine meets all of
    // them.
    let mut seconds: BTreeMap<(usize, Found), Vec<f64>> = BTreeMap::new();
    let mut memory: BTreeMap<usize, u64> = BTreeMap::new();
    // Every run has folders of its own, which stay until the end: removing many files slows down whoever
    // writes after it.
    let mut kept = Vec::new();
    for _ in 0..runs {
        for (index, size) in SIZES.into_iter().enumerate() {
            let copies = [copy(new[index].path()), copy(sealed[index].path())];
            for (copied, found) in [
                (0, Found::Nothing),
                (0, Found::Unchanged),
                (1, Found::Sealed),
            ] {
                let (took, kilobytes) = run(&script, copies[copied].path());
                seconds.entry((size, found)).or_default().push(took);
                let most = memory.entry(size).or_default();
                *most = (*most).max(kilobytes);
            }
            kept.push(copies);
        }
    }
    let of = |size: usize, found: Found| median(&seconds[&(size, found)]);
    let per_table = |size: usize| of(size, Found::Nothing) / size as f64;
    println!(
        "medians of {runs} runs; `ratio` is a table's cost against that in the smallest crate"
    );
    println!(
        "{:>6}  {:>9}  {:>12}  {:>5}  {:>9}  {:>13}  {:>9}",
        "tables", "first, s", "ms per table", "ratio", "sealed, s", "unchanged, s", "peak, MiB"
    );
    for size in SIZES {
        println!(
            "{size:>6}  {:>9.3}  {:>12.2}  {:>5.2}  {:>9.3}  {:>13.3}  {:>9}",
            of(size, Found::Nothing),
            per_table(size) * 1000.0,
            per_table(size) / per_table(SIZES[0]),
            of(size, Found::Sealed),
            of(size, Found::Unchanged),
            memory[&size] / 1024
        );
    }
}

/// A folder with the same files.
fn copy(package: &Path) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder for the copy");
    copy_into(package, folder.path());
    folder
}

fn copy_into(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder of the copy");
    for entry in fs::read_dir(from).expect("a folder of the package") {
        let (path, to) = {
            let entry = entry.expect("an entry of the package");
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_into(&path, &to);
        } else {
            fs::copy(&path, &to).expect("a file of the copy");
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// The build script of a package, built. Its last words are the memory that it took at most.
fn script() -> PathBuf {
    let package = Package::new();
    package.write("src/lib.rs", "");
    package.write(
        "build.rs",
        "fn main() {\n    tabellion_build::emit();\n    let status = std::fs::read_to_string(\"/proc/self/status\");\n    \
         let status = status.unwrap_or_default();\n    \
         let peak = status.lines().find_map(|line| line.strip_prefix(\"VmHWM:\"));\n    \
         eprintln!(\"{}\", peak.unwrap_or(\"0\").trim().trim_end_matches(\" kB\"));\n}\n",
    );
    let built = package.cargo(&["check", "--message-format=json"], &[]).ok();
    let out_dir = built
        .stdout
        .lines()
        .filter(|line| line.contains("build-script-executed"))
        .find(|line| line.contains(&*package.path().to_string_lossy()))
        .and_then(|line| line.split("\"out_dir\":\"").nth(1))
        .and_then(|rest| rest.split('"').next())
        .expect("cargo ran the build script");
    // Cargo puts the program beside the folder that its output goes to, under the hash of its own unit.
    let units = Path::new(out_dir)
        .ancestors()
        .nth(2)
        .expect("a folder of units");
    let name = package
        .path()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
    let unit = fs::read_dir(units)
        .expect("the folder of units")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().contains(&name))
                && path.join("build-script-build").exists()
        });
    let copy = std::env::temp_dir().join(format!("emit-cost-{}", std::process::id()));
    let program = unit.expect("the program").join("build-script-build");
    fs::copy(program, &copy).expect("a copy of the program");
    copy
}

/// Runs the script in a crate: seconds, and kilobytes at most.
fn run(script: &Path, folder: &Path) -> (f64, u64) {
    let out = folder.join("out");
    fs::create_dir_all(&out).expect("a folder for the output");
    let start = Instant::now();
    let output = Command::new(script)
        .current_dir(folder)
        .env_clear()
        .env("CARGO_MANIFEST_DIR", folder)
        .env("OUT_DIR", out)
        .env("CARGO_CFG_UNIX", "")
        .env("CARGO_CFG_TARGET_OS", "linux")
        .output()
        .expect("the script runs");
    let took = start.elapsed().as_secs_f64();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let kilobytes = String::from_utf8_lossy(&output.stderr).trim().parse();
    (took, kilobytes.unwrap_or_default())
}

/// A crate of so many tables, ten to a file.
fn subject(tables: usize) -> Package {
    let package = Package::new();
    let mut library = String::from(
        "use tabellion::Scope;\n#[derive(Scope)]\n#[scope(role = \"app\")]\n\
         pub struct Shop { #[setting(\"app.shop\")] pub domain: String }\n",
    );
    for first in (0..tables).step_by(PER_FILE) {
        let _ = writeln!(library, "mod tables_{first};");
        let mut source =
            String::from("use tabellion::{Table, Timestamp, Uuid};\nuse crate::Shop;\n");
        for n in first..tables.min(first + PER_FILE) {
            let _ = write!(
                source,
                "/// Table number {n}.\n#[derive(Table)]\n#[table(name = \"table_{n}\", scope = Shop)]\n\
                 #[index(columns(shop, created_at desc), finder = \"by_shop\")]\n\
                 #[tenant(shop = scope.domain)]\npub struct Table{n} {{\n    \
                 #[column(primary_key, identity)] pub id: i64,\n    pub shop: String,\n    pub owner: Uuid,\n    \
                 pub title: String,\n    pub body: Option<String>,\n    pub tags: Vec<String>,\n    \
                 pub count: i32,\n    pub score: Option<f64>,\n    pub done: bool,\n    \
                 #[column(default = now())] pub created_at: Timestamp,\n}}\n"
            );
        }
        package.write(&format!("src/tables_{first}.rs"), &source);
    }
    package.write("src/lib.rs", &library);
    package
}
