//! What the rules of row-level security say in a build, where, and how a struct allows it.

use tabellion_tests::{Built, Package};

const SCOPE: &str = "
use tabellion::{Scope, Table};

#[derive(Scope)]
#[scope(role = \"app\")]
pub struct Shop {
    #[setting(\"app.shop\")]
    pub domain: String,
}
";

/// A table for which three rules have something to say.
const NOTE: &str = "
#[derive(Table)]
#[table(name = \"notes\", scope = Shop)]
#[index(name = \"notes_tags\", columns(tags), method = gin)]
#[tenant(shop = scope.domain)]
pub struct Note {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    pub tags: tabellion::Json,
}
";

const INDEX: &str = "index `notes_tags` on table `notes` begins with `tags`, a `jsonb`, whose operators are not \
                     leakproof, so that row-level security keeps every query from reading along it; put a column \
                     first that the policies compare, or remove it [leakproof-index]";

const KEY: &str = "the primary key on table `notes` spans all tenants, so that an insert tells what another one has; \
                   add `shop` to it [cross-tenant-key]";

const ALLOWED: &str = "
#[derive(Table)]
#[allow_rule(\"leakproof-index\", reason = \"reports read along it, past the policies\")]
#[allow_rule(\"cross-tenant-key\", reason = \"the numbers are public\")]
#[allow_rule(\"policy-column-index\", reason = \"three shops, a hundred notes\")]";

fn package(table: &str) -> Package {
    let package = Package::new();
    package.write("src/lib.rs", &format!("{SCOPE}{table}"));
    package
}

/// What was warned of, each with the line and the column of the source and the words there.
fn warnings(built: &Built) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for warning in built.stderr.split("\n\n") {
        let Some((_, text)) = warning.split_once("warning: use of deprecated constant `") else {
            continue;
        };
        let (_, text) = text.split_once("`: ").expect("what it says");
        let (message, place) = text.split_once("\n").expect("its place");
        // rustc underlines what it points at.
        let lines: Vec<&str> = place.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.contains('^'))
            .expect("a mark");
        let (source, marks) = (lines[at - 1], lines[at]);
        let start = marks.find('^').expect("a mark");
        let end = marks.rfind('^').expect("a mark") + 1;
        found.push((message.to_owned(), source[start..end].to_owned()));
    }
    found.sort();
    found
}

#[test]
fn a_warning_points_at_the_smallest_token_and_is_allowed_with_a_reason() {
    let package = package(NOTE);
    let built = package.check().ok();
    let said = warnings(&built);
    let said: Vec<_> = said
        .iter()
        .map(|(text, at)| (text.as_str(), at.as_str()))
        .collect();
    let policy = "policy `tenant_delete` on `notes` compares `shop`, with which no index begins, so that every \
                  statement reads the whole table; add an index over `shop` [policy-column-index]";
    assert_eq!(
        said,
        [(INDEX, "\"notes_tags\""), (policy, "shop"), (KEY, "id")],
        "{}",
        built.stderr
    );
    let schema = package.read("db/schema.sql");
    // Cargo says it again where nothing is compiled.
    assert_eq!(warnings(&package.check().ok()).len(), 3);

    let allowed = NOTE.replacen("\n#[derive(Table)]", ALLOWED, 1);
    package.write("src/lib.rs", &format!("{SCOPE}{allowed}"));
    let built = package.check().ok();
    assert!(!built.stderr.contains("warning"), "{}", built.stderr);
    // A reason is no change of the schema.
    assert_eq!(package.read("db/schema.sql"), schema);
}

#[test]
fn whoever_denies_warnings_denies_these() {
    let package = Package::new();
    package.write("src/lib.rs", &format!("#![deny(warnings)]{SCOPE}{NOTE}"));
    package.check().fails_with(INDEX);
    package.write("src/lib.rs", &format!("#![allow(deprecated)]{SCOPE}{NOTE}"));
    let built = package.check().ok();
    assert!(!built.stderr.contains("warning"), "{}", built.stderr);
}

#[test]
fn an_allowance_that_nothing_needs_is_warned_of() {
    let mended = NOTE
        .replace(
            "#[index(name = \"notes_tags\", columns(tags), method = gin)]",
            "#[index(columns(shop))]",
        )
        .replace("primary_key", "primary_key, identity")
        .replacen("\n#[derive(Table)]", ALLOWED, 1);
    let package = package(&mended);
    let built = package.check().ok();
    let said = warnings(&built);
    let unneeded = (
        "rule `leakproof-index` finds nothing in table `notes`; remove the allowance [unneeded-allowance]".to_owned(),
        "\"leakproof-index\"".to_owned(),
    );
    assert_eq!(said.len(), 3, "{}", built.stderr);
    assert!(said.contains(&unneeded), "{said:?}");

    // While something is broken nobody can tell.
    let broken = "#[derive(Table)] pub struct Open { pub id: i64 }";
    package.write("src/lib.rs", &format!("{SCOPE}{mended}{broken}"));
    let built = package.check();
    assert!(
        !built.success && warnings(&built).is_empty(),
        "{}",
        built.stderr
    );
}

#[test]
fn a_rule_that_is_an_error_fails_at_the_policy() {
    let table = "
#[derive(Table)]
#[table(name = \"notes\", scope = Shop)]
#[index(columns(shop))]
#[policy(\"read\", select, using = shop == scope.domain)]
#[policy(\"change\", update, using = id.is_not_null(), check = shop == scope.domain)]
pub struct Note {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}
";
    let package = package(table);
    let built = package.check().fails_with(
        "error: policy `change` on `notes` lets an update reach every row, whatever SELECT allows; name the rows in \
         `using` [update-using-true]",
    );
    assert!(
        built.stderr.contains("\n15 | #[policy(\"change\", update,"),
        "{}",
        built.stderr
    );
    assert!(
        built.stderr.contains("\n   |          ^^^^^^^^\n"),
        "{}",
        built.stderr
    );
    assert_eq!(package.read("db/schema.sql"), None);
}

#[test]
fn a_policy_in_raw_sql_is_warned_of_unless_somebody_says_why() {
    let table = "
#[derive(Table)]
#[table(name = \"notes\", scope = Shop)]
#[index(columns(shop))]
#[policy(\"read\", select, using = sql(\"shop = (select current_setting('app.shop', true)) and shop > ''\"))]
#[policy(\"add\", insert, check = shop == scope.domain)]
pub struct Note {
    #[column(primary_key, identity)]
    pub id: i64,
    pub shop: String,
}
";
    let package = package(table);
    let built = package.check().ok();
    let raw = "policy `read` on `notes` is raw SQL, whose types and functions no build checks; write it as an \
               expression, or allow it and say why it is right [raw-policy]";
    assert_eq!(
        warnings(&built),
        [(raw.to_owned(), "\"read\"".to_owned())],
        "{}",
        built.stderr
    );
    let allowed =
        "\n#[derive(Table)]\n#[allow_rule(\"raw-policy\", reason = \"as the typed form says\")]";
    let allowed = table.replacen("\n#[derive(Table)]", allowed, 1);
    package.write("src/lib.rs", &format!("{SCOPE}{allowed}"));
    let built = package.check().ok();
    assert!(!built.stderr.contains("warning"), "{}", built.stderr);
    // With nothing left to allow, the allowance is.
    let typed = allowed.replace(
        "sql(\"shop = (select current_setting('app.shop', true)) and shop > ''\")",
        "shop == scope.domain",
    );
    package.write("src/lib.rs", &format!("{SCOPE}{typed}"));
    let said = warnings(&package.check().ok());
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].0.ends_with("[unneeded-allowance]"), "{said:?}");
}
