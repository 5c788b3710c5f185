//! What must not compile, and how the error reads: one file for each mistake, in a folder for each
//! attribute, with the compiler's whole output beside it.
//!
//! `TRYBUILD=overwrite cargo test -p tabellion-ui-tests --test ui` writes the outputs anew; read every
//! line that changes, since a message is part of the product. What must compile is in `pass/`.

/// All cases share one compilation of the runtime and are checked by one call of cargo.
#[test]
fn mistakes_are_reported_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    for attribute in [
        "allow_rule",
        "check",
        "column",
        "exclude",
        "external",
        "foreign_key",
        "generated",
        "index",
        "keys",
        "many",
        "no_rls",
        "partition",
        "policy",
        "predicate",
        "projection",
        "query",
        "raw",
        "renames",
        "scope",
        "table",
        "tenant",
        "text_enum",
        "types",
    ] {
        cases.compile_fail(format!("tests/{attribute}/*.rs"));
    }
}
