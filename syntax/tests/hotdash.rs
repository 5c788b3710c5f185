//! The reference application's structs, read and rendered.

mod common;

use tabellion_sql::schema::Platform;

#[test]
fn the_five_tables() {
    let source: String = [
        "scope",
        "sales",
        "inventory",
        "notification",
        "preference",
        "social",
    ]
    .map(|file| {
        let path = format!(
            "{}/../examples/hotdash/src/tables/{file}.rs",
            env!("CARGO_MANIFEST_DIR")
        );
        let text = std::fs::read_to_string(path).expect("the example is beside this crate");
        // In one module the imports would repeat each other, and inner comments cannot stand.
        text.lines()
            .filter(|line| !line.starts_with("use ") && !line.starts_with("//!"))
            .collect::<Vec<_>>()
            .join("\n")
    })
    .join("\n");
    insta::assert_snapshot!(common::sql(&source, Platform::Postgres).unwrap());
}
