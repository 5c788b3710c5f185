//! Foreign keys and what they reference, in a package that builds: tables of someone else, the types of
//! both ends, what only an extension has.

use tabellion_tests::Package;

const USER: &str = r#"
/// Whoever logs in.
#[derive(tabellion::Table)]
#[table(external, schema = "auth", name = "users")]
pub struct User { #[column(primary_key)] pub id: i64 }
"#;

#[test]
fn a_table_of_someone_else_is_referenced_and_never_made() {
    let package = Package::new();
    let post = r#"
        #[derive(tabellion::Table)]
        #[policy(deny_all)]
        pub struct Post { #[column(references = User::id, on_delete = cascade)] pub author: i64 }
    "#;
    package.write("src/lib.rs", &format!("{USER}{post}"));
    package.check().ok();
    let draft = package.read("db/draft.sql").expect("a draft");
    assert!(draft.contains("references auth.users (id)"), "{draft}");
    for made in [
        "create table auth",
        "create schema",
        "on auth.users",
        "on table auth.users",
    ] {
        assert!(!draft.contains(made), "{made}\n{draft}");
    }

    // Of another type: rustc says so, and nobody says it twice.
    package.write(
        "src/lib.rs",
        &format!("{USER}{}", post.replace("author: i64", "author: i32")),
    );
    let built = package.check().fails_with(
        "column `post.author` is `int4` but references `users.id`, which is `int8`; change the field to `i64`",
    );
    assert_eq!(
        built.stderr.matches("but references").count(),
        1,
        "{}",
        built.stderr
    );

    // Of a column that is in no key, which only the whole schema tells.
    let key = USER.replace("#[column(primary_key)] ", "");
    package.write("src/lib.rs", &format!("{key}{post}"));
    package
        .check()
        .fails_with("references `users(id)`, which is not unique");

    // What is no table is one error, whoever looks at it.
    package.write(
        "src/lib.rs",
        &format!("{USER}{}", post.replace("User::id", "String::id")),
    );
    let built = package.check().fails_with("`String` is not a table");
    assert_eq!(
        built.stderr.matches("error[E0277]").count(),
        1,
        "{}",
        built.stderr
    );
}

#[test]
fn a_mistake_at_the_end_of_a_chain_is_told_once() {
    let package = Package::new();
    let table = |name: &str, field: &str, rls: &str| {
        format!(
            "#[derive(tabellion::Table)]\n{rls}\npub struct {name} {{ #[column(primary_key)] pub id: i64, {field} }}\n"
        )
    };
    let deny = "#[policy(deny_all)]";
    package.write(
        "src/lib.rs",
        &[
            table(
                "First",
                "#[column(references = Second::id)] pub second: i64",
                deny,
            ),
            table(
                "Second",
                "#[column(references = Third::id)] pub third: i64",
                deny,
            ),
            table("Third", "", ""),
        ]
        .concat(),
    );
    let built = package
        .check()
        .fails_with("table `third` has no row-level security");
    assert!(
        !built.stderr.contains("which no struct declares"),
        "{}",
        built.stderr
    );
}

#[test]
fn what_only_an_extension_has_needs_it_named() {
    let package = Package::new();
    package.write(
        "src/lib.rs",
        r#"
        #[derive(tabellion::Table)]
        #[policy(deny_all)]
        pub struct Tag { #[column(type = "citext")] pub name: String }
        "#,
    );
    package.check().fails_with(
        "column `tag.name` is `citext`, which only an extension has; add `.extension(\"citext\")` to the emitter \
         in `build.rs`",
    );
    package.write(
        "build.rs",
        "fn main() { tabellion_build::Emitter::new().extension_in(\"citext\", \"extensions\").run(); }\n",
    );
    package.check().ok();
    let draft = package.read("db/draft.sql").expect("a draft");
    assert!(
        draft.contains("create extension if not exists citext"),
        "{draft}"
    );
    package.write(
        "build.rs",
        "fn main() { tabellion_build::Emitter::new().lock_timeout(\"soon\").run(); }\n",
    );
    package
        .check()
        .fails_with("`lock_timeout` is `soon`, which is no time to PostgreSQL");
}
