//! What a build writes, when it writes nothing, and what it fails for.

use tabellion_tests::Package;

const NOTE: &str = r#"
use tabellion::{Scope, Table, TextEnum};

#[derive(Scope)]
#[scope(role = "app")]
pub struct Shop {
    #[setting("app.shop")]
    pub domain: String,
}

#[derive(TextEnum)]
pub enum Status { Draft, Out }

/// A note.
#[derive(Table)]
#[table(name = "notes", scope = Shop)]
#[index(columns(shop))]
#[tenant(shop = scope.domain)]
pub struct Note {
    #[column(primary_key)]
    pub id: i64,
    pub shop: String,
    pub status: Status,
}
"#;

const TAG: &str = r#"
/// A tag.
#[derive(tabellion::Table)]
#[policy(deny_all)]
pub struct Tag { pub id: i64 }
"#;

const DRAFTS: [&str; 5] = [
    "db/schema.sql",
    "db/draft.sql",
    "db/draft.rollback.sql",
    "db/draft.lock",
    "db/tests/rls_tests.sql",
];

fn drafts(package: &Package) -> Vec<Option<String>> {
    DRAFTS.iter().map(|file| package.read(file)).collect()
}

#[test]
fn two_builds_give_the_same_bytes_and_a_removed_struct_shows() {
    let package = Package::new();
    package.write("src/lib.rs", &format!("{NOTE}\npub mod tag;"));
    package.write("src/tag.rs", TAG);
    package.check().ok();
    let first = drafts(&package);
    let draft = first[1].clone().expect("a draft");
    assert!(
        draft.contains("create table public.notes (") && draft.contains("-- shop::tag::Tag\n"),
        "{draft}"
    );
    assert!(
        draft.contains("check (status in ('draft', 'out'))"),
        "{draft}"
    );

    // Another folder, another order of the same modules: the same bytes.
    let other = Package::new();
    other.write("src/lib.rs", &format!("pub mod tag;\n{NOTE}"));
    other.write("src/tag/mod.rs", TAG);
    other.check().ok();
    assert_eq!(drafts(&other), first);

    // Nothing changed: nothing is written, so nothing is newer.
    let time = |file: &str| {
        std::fs::metadata(package.path().join(file))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = DRAFTS.map(time);
    package.write("src/lib.rs", &format!("{NOTE}\npub mod tag; // touched"));
    package.check().ok();
    assert_eq!(DRAFTS.map(time), before);

    package.write("src/lib.rs", NOTE);
    package.check().ok();
    let draft = package.read("db/draft.sql").expect("a draft");
    assert!(!draft.contains("Tag"), "{draft}");
}

#[test]
fn a_table_that_emit_cannot_see_fails_at_its_struct() {
    let package = Package::new();
    package.write(
        "src/lib.rs",
        "macro_rules! make { ($n:ident) => { #[derive(tabellion::Table)] #[policy(deny_all)] pub struct $n { pub id: i64 } } }\nmake!(Hidden);",
    );
    package
        .check()
        .fails_with("the build script did not see table `hidden`");
}

/// Cargo tells a keyword as it is, and `module_path!()` with its prefix.
#[test]
fn a_library_and_a_module_may_have_a_keyword_for_a_name() {
    let package = Package::new();
    let manifest = package.read("Cargo.toml").expect("a manifest");
    let renamed = manifest.replace("name = \"shop\"", "name = \"try\"");
    package.write("Cargo.toml", &renamed);
    package.write("src/lib.rs", &format!("{TAG}\npub mod r#type;"));
    package.write("src/type.rs", NOTE);
    package.check().ok();
}

#[test]
fn without_a_build_script_the_two_lines_are_named() {
    let package = Package::new();
    std::fs::remove_file(package.path().join("build.rs")).unwrap();
    package.write("src/lib.rs", TAG);
    package
        .check()
        .fails_with("add `tabellion-build` to `[build-dependencies]`, and a `build.rs`");
    // One that emits nothing is no better.
    package.write("build.rs", "fn main() {}");
    package
        .check()
        .fails_with("nothing was emitted for table `tag`");
}

#[test]
fn a_table_in_an_example_needs_no_build_script() {
    let package = Package::new();
    std::fs::remove_file(package.path().join("build.rs")).unwrap();
    package.write("src/lib.rs", "");
    package.write("examples/loose.rs", &format!("{TAG}\nfn main() {{}}"));
    package.cargo(&["check", "--example", "loose"], &[]).ok();
}

#[test]
fn other_targets_are_detached() {
    let package = Package::new();
    package.write(
        "src/lib.rs",
        &format!("{TAG}\n#[cfg(test)] mod tests {{ {TAG} }}"),
    );
    let detached = format!("{}\nfn main() {{}}", TAG.replace("Tag", "Loose"));
    package.write("examples/loose.rs", &detached);
    package.write("tests/loose.rs", &detached);
    package.cargo(&["check", "--all-targets"], &[]).ok();
    let draft = package.read("db/draft.sql").expect("a draft");
    assert_eq!(draft.matches("create table").count(), 1, "{draft}");
}

#[test]
fn cfg_decides_by_feature() {
    let package = Package::new();
    package.manifest("\n[features]\ntags = []\n");
    package.write(
        "src/lib.rs",
        &format!("{NOTE}\n#[cfg(feature = \"tags\")] #[path = \"other/place.rs\"] pub mod tag;"),
    );
    package.write("src/other/place.rs", TAG);
    package.check().ok();
    assert!(
        !package
            .read("db/schema.sql")
            .unwrap()
            .contains("public.tag")
    );
    package.cargo(&["check", "--features", "tags"], &[]).ok();
    assert!(
        package
            .read("db/schema.sql")
            .unwrap()
            .contains("create table public.tag (")
    );
}

#[test]
fn locked_mode_writes_nothing_and_fails_if_something_would_change() {
    let package = Package::new();
    package.write("src/lib.rs", NOTE);
    let locked = [("TABELLION_LOCKED", "1")];
    package.cargo(&["check"], &locked).fails_with(
        "`db/schema.sql`, `db/tests/rls_tests.sql` would change, and this build is locked",
    );
    assert_eq!(package.read("db/schema.sql"), None);
    package.check().ok();
    package.cargo(&["check"], &locked).ok();
    package.cargo(&["check"], &[("CI", "true")]).ok();
    package.write("src/lib.rs", &NOTE.replace("A note", "Another note"));
    let before = drafts(&package);
    package
        .cargo(&["check"], &[("CI", "true")])
        .fails_with("this build is locked");
    package
        .cargo(&["check"], &[("CI", "true"), ("DOCS_RS", "1")])
        .ok();
    assert_eq!(drafts(&package), before);
}

#[test]
fn a_changed_artifact_is_noticed_and_a_second_build_does_nothing() {
    let package = Package::new();
    package.write("src/lib.rs", NOTE);
    package.check().ok();
    let again = package.check().ok();
    assert!(
        !again.stderr.contains("Checking shop"),
        "built twice: {}",
        again.stderr
    );
    let schema = package.read("db/schema.sql").unwrap();
    package.write("db/schema.sql", &format!("{schema}-- by hand\n"));
    package
        .cargo(&["check"], &[("TABELLION_LOCKED", "1")])
        .fails_with("`db/schema.sql` would change");
    package.check().ok();
    assert_eq!(package.read("db/schema.sql").unwrap(), schema);
    std::fs::remove_dir_all(package.path().join("db")).unwrap();
    package.check().ok();
    assert_eq!(package.read("db/schema.sql").unwrap(), schema);
}

#[test]
fn a_packaged_crate_writes_nothing() {
    let package = Package::new();
    package.write("src/lib.rs", NOTE);
    package.write("Cargo.toml.orig", "");
    package.cargo(&["check"], &[("CI", "true")]).ok();
    assert_eq!(drafts(&package), vec![None; DRAFTS.len()]);
}

#[test]
fn what_only_the_whole_can_tell_is_reported_at_the_structs() {
    let package = Package::new();
    let twice = TAG
        .replace("Tag", "Label")
        .replace("#[policy", "#[table(name = \"tag\")] #[policy");
    package.write("src/lib.rs", &format!("{TAG}\n{twice}"));
    let built = package
        .check()
        .fails_with("table `tag` is declared by `shop::Tag` and by `shop::Label`")
        .fails_with("table `tag` is declared by `shop::Label` and by `shop::Tag`");
    assert!(built.stderr.contains("src/lib.rs:5:12"), "{}", built.stderr);

    // A foreign key to a column that is not unique, and of another type.
    package.write(
        "src/lib.rs",
        r#"
        #[derive(tabellion::Table)]
        #[policy(deny_all)]
        pub struct User { #[column(primary_key)] pub id: i64, pub email: String }
        #[derive(tabellion::Table)]
        #[policy(deny_all)]
        pub struct Post {
            #[column(references = User::id)] pub author_id: i32,
            #[column(references = User::email)] pub email: String,
        }
        "#,
    );
    package
        .check()
        .fails_with("column `post.author_id` is `int4` but references `user.id`, which is `int8`")
        .fails_with("references `user(email)`, which is not unique");
    assert_eq!(package.read("db/draft.sql"), None);
}

#[test]
fn a_scope_that_does_not_exist_is_reported() {
    let package = Package::new();
    package.write(
        "src/lib.rs",
        &NOTE
            .replace("#[derive(Scope)]", "")
            .replace("#[scope(role = \"app\")]", "")
            .replace("#[setting(\"app.shop\")]", ""),
    );
    package.check().fails_with("`Shop` is not a scope");
    assert_eq!(package.read("db/draft.sql"), None);
}

#[test]
fn a_file_that_does_not_parse_is_rustcs_to_report() {
    let package = Package::new();
    package.write("src/lib.rs", &format!("{NOTE}\npub mod tag;"));
    package.write("src/tag.rs", TAG);
    package.check().ok();
    let before = drafts(&package);
    package.write("src/tag.rs", "pub struct {}");
    let built = package.check().fails_with("expected identifier");
    assert!(
        !built.stderr.contains("build script did not see"),
        "{}",
        built.stderr
    );
    assert_eq!(drafts(&package), before);
}

#[test]
fn a_broken_struct_shows_its_own_mistakes_and_no_draft_is_written() {
    let package = Package::new();
    package.write("src/lib.rs", &format!("{NOTE}\n{TAG}"));
    package.check().ok();
    let before = drafts(&package);
    package.write(
        "src/lib.rs",
        &format!(
            "{}\n{TAG}",
            NOTE.replace("#[tenant(shop = scope.domain)]", "")
        ),
    );
    let built = package
        .check()
        .fails_with("table `notes` has no row-level security");
    let errors = built
        .stderr
        .lines()
        .filter(|line| line.starts_with("error"));
    assert_eq!(
        errors.count(),
        2,
        "one error, and cargo's: {}",
        built.stderr
    );
    assert_eq!(drafts(&package), before);

    // Nobody is to seal that draft for what the structs say, and it is drawn again with nothing left over.
    assert!(package.read("db/draft.unfinished").is_some());
    package.write("src/lib.rs", &format!("{NOTE}\n{TAG}"));
    package
        .cargo(&["check"], &[("TABELLION_LOCKED", "1")])
        .fails_with("`db/draft.unfinished` would change");
    package.check().ok();
    assert_eq!(package.read("db/draft.unfinished"), None);
    assert_eq!(drafts(&package), before);
    let again = package.check().ok();
    assert!(!again.stderr.contains("Checking shop"), "{}", again.stderr);

    // Who must not write leaves no mark.
    package.write(
        "src/lib.rs",
        "#[derive(tabellion::Table)] pub struct Bare { pub id: i64 }",
    );
    let locked = package.cargo(&["check"], &[("TABELLION_LOCKED", "1")]);
    locked.fails_with("table `bare` has no row-level security");
    assert_eq!(package.read("db/draft.unfinished"), None);
}

#[test]
fn a_lock_that_cannot_be_read_is_one_sentence() {
    let package = Package::new();
    package.write("src/lib.rs", NOTE);
    package.write("db/tabellion.lock", "nonsense\n");
    package
        .check()
        .fails_with("`db/tabellion.lock` cannot be used");
    std::fs::remove_file(package.path().join("db/tabellion.lock")).unwrap();
    package.write("db/migrations/20260101000000_a.sql", "select 1;");
    package
        .check()
        .fails_with("is sealed but `db/tabellion.lock` is missing");
}
