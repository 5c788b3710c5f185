//! What the build script tells the derive, through files in OUT_DIR: a line for each struct name, in a few files so
//! that a derive reads no more than it needs and a build script need not create a thousand, and one file that names
//! the scanned targets.
//!
//! Only the text is made and read here; the files are the two callers' business.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
pub use tabellion_sql::rule::Place;

/// The folder inside OUT_DIR.
pub const FOLDER: &str = "tabellion";

/// The file that tells what was scanned.
pub const SCANNED: &str = "scanned.json";

/// What was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// The targets.
    pub targets: Vec<Target>,
    /// A file could not be parsed: rustc will say so, and a struct that was not seen is no news.
    pub is_partial: bool,
}

/// How many files there are about structs, at most.
const FILES: u64 = 32;

/// The file about the structs of a name.
pub fn file_name(ident: &str) -> String {
    let mut hasher = DefaultHasher::new();
    ident.hash(&mut hasher);
    format!("structs-{:02}.txt", hasher.finish() % FILES)
}

/// The line of such a file about the structs of a name: the name, and what is said of them as JSON, which has no
/// line break of its own.
pub fn line(ident: &str, json: &str) -> String {
    format!("{ident}\t{json}\n")
}

/// What the text of such a file says of the structs of a name, as JSON.
pub fn find<'a>(text: &'a str, ident: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix(ident)?.strip_prefix('\t'))
}

/// A cargo target, as both sides can tell it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The library, by its crate's name.
    Lib(String),
    /// A binary, by its name.
    Bin(String),
}

/// A table, as the build script saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The target that it lies in.
    pub target: Target,
    /// Its module, as `module_path!()` has it.
    pub module: String,
    /// The fingerprint of what was read.
    pub fingerprint: u64,
    /// The fingerprints of its scopes, its enumerations and the tables it references, in this order.
    pub references: Vec<u64>,
    /// Why no SQL was written for it, where no error of its own says so.
    pub problem: String,
    /// It takes no part in the schema, or an error elsewhere makes comparing pointless.
    pub unchecked: bool,
    /// What only the whole schema could tell.
    pub errors: Vec<Error>,
    /// What it warns of; the derive knows which of it the struct allows. `None` while the schema lacks what
    /// is broken, since then nobody can tell.
    pub warnings: Option<Vec<Warning>>,
}

/// What a rule warns of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// The rule's code.
    pub code: String,
    /// Where in the struct to report it.
    pub place: Place,
    /// The fact, the remedy, the code.
    pub message: String,
}

/// A mistake that only the whole schema could tell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Error {
    /// Where in the struct to report it.
    pub place: Place,
    /// The fact, then the remedy.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_whole() {
        let text = line("Task", "[1]") + &line("TaskList", "[\"a\\n\\tb\"]") + &line("é", "[]");
        assert_eq!(find(&text, "Task"), Some("[1]"));
        assert_eq!(find(&text, "TaskList"), Some("[\"a\\n\\tb\"]"));
        assert_eq!(find(&text, "é"), Some("[]"));
        assert_eq!(find(&text, "Tas"), None);
        assert_eq!(find("", "Task"), None);
    }

    #[test]
    fn there_are_few_files() {
        let names = (0..10_000).map(|number| file_name(&format!("Table{number}")));
        let names: std::collections::BTreeSet<String> = names.collect();
        assert_eq!(names.len() as u64, FILES);
    }
}
