//! The guard between the derive and the build script: both must have read the same table.
//!
//! Everything here runs in rustc, in constants that the derive writes.

mod foreign_key;

pub use foreign_key::{End, KeyColumn, Referenced, references};

/// What the build script saw of a table.
#[derive(Debug)]
pub struct Seen {
    /// The module of the struct, as `module_path!()` has it.
    pub module: &'static str,
    /// The fingerprint of the struct as it was read.
    pub table: u64,
    /// The fingerprints of what its scope and its enumerations turned out to be, in the order of the struct.
    pub references: &'static [u64],
    /// Why no SQL was written for it; empty where it was.
    pub problem: &'static str,
    /// It takes no part in the schema, or an error elsewhere makes comparing pointless.
    pub unchecked: bool,
}

/// Compares what the derive read with what the build script read.
///
/// # Panics
/// In rustc, where they differ; the message says what to do.
pub const fn check(module: &str, table: u64, references: &[u64], seen: &[Seen]) {
    let mut found = false;
    let mut i = 0;
    while i < seen.len() {
        let entry = &seen[i];
        if same_module(entry.module, module) {
            // A struct that `cfg(test)` changes was seen twice: one of the two must fit.
            if entry.unchecked
                || (entry.problem.is_empty()
                    && entry.table == table
                    && equal_numbers(entry.references, references))
            {
                return;
            }
            if !entry.problem.is_empty() {
                panic!("{}", entry.problem);
            }
            if entry.table == table {
                panic!(
                    "the build script took another scope, enum or table for one that this table \
                     names; name it by its full path"
                );
            }
            found = true;
        }
        i += 1;
    }
    if found {
        panic!(
            "the build script read this table otherwise than rustc does; \
             is it changed by another macro, or by a `cfg` that only rustc knows?"
        );
    }
    panic!(
        "the build script did not see this table, only others of the same name; \
         declare it outside of macros, or remove it"
    );
}

const fn equal_numbers(a: &[u64], b: &[u64]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether two paths are one module. A name that is a keyword, such as a package `try`, stands with its
/// `r#` in `module_path!()` and without it where cargo tells it.
const fn same_module(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (mut i, mut j) = (0, 0);
    loop {
        i = behind_raw(a, i);
        j = behind_raw(b, j);
        if i == a.len() || j == b.len() {
            return i == a.len() && j == b.len();
        }
        if a[i] != b[j] {
            return false;
        }
        i += 1;
        j += 1;
    }
}

/// Behind the `r#` that begins a segment, where one does.
const fn behind_raw(path: &[u8], at: usize) -> usize {
    let is_start = at == 0 || path[at - 1] == b':';
    if is_start && at + 1 < path.len() && path[at] == b'r' && path[at + 1] == b'#' {
        return at + 2;
    }
    at
}

pub(crate) const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &[Seen] = &[Seen {
        module: "shop::tables",
        table: 7,
        references: &[1, 2],
        problem: "",
        unchecked: false,
    }];

    const _: () = check("shop::tables", 7, &[1, 2], SEEN);

    fn fails(module: &'static str, table: u64, references: &'static [u64]) -> bool {
        std::panic::catch_unwind(|| check(module, table, references, SEEN)).is_err()
    }

    #[test]
    fn a_keyword_is_the_same_module_with_its_prefix_and_without() {
        assert!(same_module("try::r#type::tables", "r#try::type::tables"));
        assert!(same_module("shop", "shop"));
        assert!(!same_module("shop::r", "shop::tables"));
        assert!(!same_module("shop", "shop::tables"));
        assert!(!same_module("try", "r#tr"));
    }

    #[test]
    fn every_difference_fails() {
        assert!(!fails("shop::tables", 7, &[1, 2]));
        assert!(fails("shop::other", 7, &[1, 2]));
        assert!(fails("shop::tables", 8, &[1, 2]));
        assert!(fails("shop::tables", 7, &[1]));
        assert!(fails("shop::tables", 7, &[1, 3]));
    }
}
