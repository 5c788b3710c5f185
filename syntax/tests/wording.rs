//! Whatever is written in an attribute, what is said of it are our own words.

use tabellion_syntax::Report;

/// What stands on the struct, and what stands in `#[column(…)]`.
fn said(on_struct: &str, on_field: &str) -> Vec<String> {
    let source = format!(
        "#[table(scope = Shop)] #[tenant(shop = scope.domain)] {on_struct} \
         struct Task {{ #[column(primary_key)] id: i64, shop: String, {on_field} due: Option<Date> }}"
    );
    let input = syn::parse_str(&source).unwrap_or_else(|error| panic!("{source}: {error}"));
    let mut report = Report::default();
    let _ = tabellion_syntax::table(&input, &mut report);
    match report.finish() {
        Ok(()) => Vec::new(),
        Err(errors) => errors.into_iter().map(|error| error.to_string()).collect(),
    }
}

/// What an attribute could hold by a slip.
const SLIPS: [&str; 42] = [
    "",
    "1",
    "\"x\"",
    "\"x\" due",
    "\"x\", 1",
    "name",
    "name =",
    "name = ,",
    "name: \"x\"",
    "name = = \"x\"",
    "name = 1",
    "name = x y",
    "name = \"x\" \"y\"",
    "name()",
    "name(1)",
    "name[x]",
    "name{x}",
    "name => 1",
    ",",
    "name,,",
    "columns",
    "columns()",
    "columns(1)",
    "columns(due,,shop)",
    "columns(due shop)",
    "columns(due, \"shop\")",
    "columns = due",
    "columns(\"due\")",
    "columns[due]",
    "columns(due), = 1",
    "'a'",
    "::x",
    "a::b = 1",
    "columns(due), include(1)",
    "columns(due), with(lists 100)",
    "columns(due), method = 1",
    "columns(due), deferrable = true",
    "elements(due \"=\")",
    "elements(due with)",
    "numeric(a)",
    "range(1)",
    "name = \"p\", from(, 1)",
];

const ATTRIBUTES: [&str; 12] = [
    "table",
    "primary_key",
    "unique",
    "index",
    "check",
    "foreign_key",
    "exclude",
    "partition_by",
    "partition",
    "policy",
    "tenant",
    "no_rls",
];

#[test]
fn the_parser_never_speaks_itself() {
    for slip in SLIPS {
        let on_struct = ATTRIBUTES.map(|name| (format!("#[{name}({slip})]"), String::new()));
        let on_field = (String::new(), format!("#[column({slip})]"));
        for (on_struct, on_field) in on_struct.into_iter().chain([on_field]) {
            for message in said(&on_struct, &on_field) {
                let is_parsers = message.starts_with("expected ") && !message.contains("; ");
                assert!(
                    !is_parsers && !message.starts_with("unexpected "),
                    "{on_struct}{on_field}: {message}"
                );
            }
        }
    }
}

#[test]
fn each_slip_has_its_remedy() {
    let index = "index(columns(due)";
    for (on_struct, message) in [
        (
            "#[unique(name: \"x\")]".to_owned(),
            "what follows `name` cannot be read; write `name = ...` or `name(...)`, or a comma",
        ),
        (
            "#[unique(columns(due) name = \"x\")]".to_owned(),
            "a comma is missing behind the value of `columns`; add it",
        ),
        (
            "#[unique(columns(due), name = )]".to_owned(),
            "`name` needs a value; write `name = ...`",
        ),
        (
            format!("#[{index}, method = \"x\" 1)]"),
            "a comma is missing behind the value of `method`; add it",
        ),
        (
            format!("#[{index}, method = 1)]"),
            "an access method is a word; use `btree`, `hash`, `gist`, `spgist`, `gin`, `brin`, `ivfflat`, \
             `hnsw`, `bloom`",
        ),
        (
            "#[unique(columns(due), deferrable = true)]".to_owned(),
            "`deferrable` says until when; write `deferrable = immediate` or `deferrable = deferred`",
        ),
        (
            "#[foreign_key(columns(due), references = Other(due), on_delete = 1)]".to_owned(),
            "`on_delete` is followed by a word; use `cascade`, `restrict`, `set_null`, `set_default` or \
             `no_action`",
        ),
        (
            "#[check()]".to_owned(),
            "`#[check]` is empty; write `#[check(condition)]`",
        ),
        (
            "#[check(due >)]".to_owned(),
            "`#[check]` takes a condition; write one such as `#[check(level > 0)]`",
        ),
    ] {
        assert_eq!(said(&on_struct, "")[0], message, "{on_struct}");
    }
}

#[test]
fn a_default_is_no_moment_that_is_read_once() {
    let default = |sql: &str| said("", &format!("#[column(default = sql(\"{sql}\"))]"));
    assert_eq!(
        default("'today'"),
        [
            "`today` is the moment at which the migration runs, and column `due` would keep that one; write it out, or for \
          a default `sql(\"now()\")`, `sql(\"current_date\")`"
        ]
    );
    assert_eq!(default(" 'Now ' ").len(), 1);
    let cast = default("'now'::date");
    assert!(
        matches!(&*cast, [one] if one.ends_with("write `current_date`")),
        "{cast:?}"
    );
    for sql in ["current_date", "'2026-01-01'", "date '2026-01-01'"] {
        assert_eq!(default(sql), [""; 0], "{sql}");
    }
}
