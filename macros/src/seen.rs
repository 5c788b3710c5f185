//! What the build script saw of a struct, and whether the struct lies where it looks at all.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tabellion_syntax::seen::{self, Entry, Scanned, Target};

/// What there is to compare with.
pub(crate) enum Seen {
    /// The struct lies in a target that the build script does not scan: it belongs to no schema.
    Detached,
    /// The build script saw these structs of the name in this target; there is at least one.
    Entries(Vec<Entry>),
    /// Something is missing; the fact and the remedy.
    Missing(String),
}

const TWO_LINES: &str = "add `tabellion-build` to `[build-dependencies]`, and a `build.rs` with \
                         `fn main() { tabellion_build::emit(); }`";

/// Looks up a struct by its name.
pub(crate) fn seen(ident: &str, table: &str) -> Seen {
    if is_detached() {
        return Seen::Detached;
    }
    let not_emitted = || {
        Seen::Missing(format!(
            "nothing was emitted for table `{table}`; {TWO_LINES}"
        ))
    };
    let Some(folder) = env::var_os("OUT_DIR").map(|out| PathBuf::from(out).join(seen::FOLDER))
    else {
        return not_emitted();
    };
    let scanned = fs::read(folder.join(seen::SCANNED)).ok();
    let Some(scanned) = scanned.and_then(|json| serde_json::from_slice::<Scanned>(&json).ok())
    else {
        return not_emitted();
    };
    let current = current();
    if !scanned.targets.contains(&current) {
        return Seen::Detached;
    }
    let text = fs::read_to_string(folder.join(seen::file_name(ident))).unwrap_or_default();
    let entries = seen::find(&text, ident).and_then(|json| serde_json::from_str(json).ok());
    let mut entries: Vec<Entry> = entries.unwrap_or_default();
    entries.retain(|entry| entry.target == current);
    if entries.is_empty() && scanned.is_partial {
        return Seen::Detached;
    }
    if entries.is_empty() {
        return Seen::Missing(format!(
            "the build script did not see table `{table}`, so it would have no SQL; \
             declare the struct outside of macros, in a file that a `mod` leads to"
        ));
    }
    Seen::Entries(entries)
}

/// Integration tests, benchmarks, doctests and trybuild's packages. What cargo tells each is documented
/// at https://doc.rust-lang.org/cargo/reference/environment-variables.html.
fn is_detached() -> bool {
    let is_set = |name: &str| env::var_os(name).is_some();
    // Set for integration tests and benchmarks alone.
    let is_test = is_set("CARGO_TARGET_TMPDIR");
    // rustdoc runs doctests without the crate that rustc would be told about.
    let is_doctest = !is_set("CARGO_CRATE_NAME") || is_set("UNSTABLE_RUSTDOC_TEST_PATH");
    let in_trybuild = env::var("CARGO_BIN_NAME").is_ok_and(|name| name.starts_with("trybuild"))
        && env::var_os("CARGO_MANIFEST_DIR")
            .is_some_and(|folder| Path::new(&folder).iter().any(|part| part == "trybuild"));
    is_test || is_doctest || in_trybuild || is_example()
}

/// Cargo tells an example what it tells a binary, so the place of its file decides.
fn is_example() -> bool {
    if !proc_macro::is_available() {
        return false;
    }
    let (Some(file), Some(package)) = (
        proc_macro::Span::call_site().local_file(),
        env::var_os("CARGO_MANIFEST_DIR"),
    ) else {
        return false;
    };
    let file = env::current_dir().map_or(file.clone(), |folder| folder.join(file));
    let examples = Path::new(&package).join("examples");
    // A binary may lie there by its own wish, but its name is then in the manifest: emit knows it.
    file.starts_with(examples)
}

/// The target that is being compiled.
fn current() -> Target {
    match env::var("CARGO_BIN_NAME") {
        Ok(name) => Target::Bin(name),
        Err(_) => Target::Lib(env::var("CARGO_CRATE_NAME").unwrap_or_default()),
    }
}
