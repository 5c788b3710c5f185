//! PostgreSQL's own limits, which nobody meets by hand.

use std::fmt::Write as _;

use tabellion_syntax::{Report, table};

/// What is wrong with a table of so many columns, `keys` of them in one index.
fn mistakes(columns: usize, keys: usize) -> Vec<String> {
    let mut source = String::from("#[no_rls(reason = \"a test\")] #[index(columns(");
    for n in 0..keys {
        let _ = write!(source, "c{n},");
    }
    source.push_str("))] struct Wide {");
    for n in 0..columns {
        let _ = write!(source, "c{n}: i32,");
    }
    source.push('}');
    let mut report = Report::default();
    let input = syn::parse_str(&source).expect("a struct");
    table(&input, &mut report);
    let errors = report.finish().err().into_iter().flatten();
    errors.map(|error| error.to_string()).collect()
}

#[test]
fn a_table_has_1600_columns_and_an_index_32() {
    assert_eq!(mistakes(1600, 32), [""; 0]);
    assert_eq!(
        mistakes(1601, 1),
        [
            "table `wide` has 1601 columns, and PostgreSQL allows 1600; put some into a table of their own"
        ]
    );
    let [message] = &mistakes(40, 40)[..] else {
        panic!("one mistake");
    };
    assert!(
        message.ends_with("has more than 32 columns, PostgreSQL's limit; drop some"),
        "{message}"
    );
}
