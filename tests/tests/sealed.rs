//! What was sealed: embedded in a program, watched by the build, merged by git.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tabellion::migrate::{ApplyOptions, Migrations, Migrator, SealOptions, reseal, seal};
use tabellion::testing::{Server, TestDatabase};
use tabellion_tests::Package;

const MAIN: &str = r#"
use tabellion::migrate::{ApplyOptions, Migrator};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = tabellion::migrations!();
    let mut engine = Migrator::connect(&std::env::var("DATABASE_URL")?).await?;
    let done = engine.apply(&set, &ApplyOptions::default()).await?;
    println!("applied {}", done.len());
    Ok(())
}
"#;

const NOTE: &str = r#"
#[derive(tabellion::Table)]
#[policy(deny_all)]
pub struct Note { #[column(primary_key)] pub id: i64 }
"#;

fn table(name: &str) -> String {
    NOTE.replace("Note", name)
}

fn package() -> Package {
    let package = Package::bare();
    package.manifest("");
    let manifest = package.read("Cargo.toml").expect("a manifest");
    package.write(
        "Cargo.toml",
        &manifest.replace(
            "[dependencies]\n",
            "[dependencies]\ntokio = { version = \"1\", features = [\"macros\", \"rt\"] }\n",
        ),
    );
    package.write("build.rs", "fn main() { tabellion_build::emit(); }\n");
    package
}

async fn database() -> TestDatabase {
    let server = Server::shared().expect("a PostgreSQL server");
    server.database().await.expect("a fresh database")
}

/// Builds, and seals the draft.
fn build_and_seal(package: &Package, name: &str) {
    package.check().ok();
    let options = SealOptions {
        accept: Vec::new(),
        reviewed: true,
    };
    seal(package.path().join("db"), name, &options).expect("the draft is sealed");
}

/// The sealed files of a folder, below the package.
fn files(package: &Package, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(package.path().join("db").join(folder)).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| format!("db/{folder}/{name}"))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_program_carries_its_migrations() {
    let (package, database) = (package(), database().await);
    package.write("src/lib.rs", NOTE);
    package.write("src/main.rs", MAIN);
    package
        .check()
        .fails_with("`db/tabellion.lock` does not exist; seal a first migration");
    package.write("src/main.rs", "fn main() {}");
    build_and_seal(&package, "first");
    package.write("src/main.rs", MAIN);
    let run = || {
        let url = [("DATABASE_URL", database.url())];
        package.cargo(&["run", "-q"], &url).ok().stdout
    };
    assert_eq!(run(), "applied 1\n");
    assert_eq!(run(), "applied 0\n");

    // A new seal is noticed without a change of the program.
    package.write("src/lib.rs", &format!("{NOTE}{}", table("Tag")));
    build_and_seal(&package, "second");
    assert_eq!(run(), "applied 1\n");

    // The macro checks by itself, where no build script does.
    let other = self::package();
    fs::remove_file(other.path().join("build.rs")).unwrap();
    other.write("src/lib.rs", "");
    other.write(
        "src/main.rs",
        &MAIN.replace("migrations!()", "migrations!(\"db\")"),
    );
    for file in ["migrations", "rollbacks"]
        .into_iter()
        .flat_map(|folder| files(&package, folder))
        .chain(["db/tabellion.lock".to_owned()])
    {
        other.write(&file, &package.read(&file).unwrap());
    }
    other.check().ok();
    let file = files(&other, "migrations").remove(0);
    other.write(&file, "select 1;\n");
    let built = other.check().fails_with(&format!(
        "`{file}` was changed after it was sealed: line 1 now reads"
    ));
    assert!(built.stderr.contains("src/main.rs:6:"), "{}", built.stderr);
}

#[test]
fn a_build_fails_for_sealed_files_that_are_not_as_sealed() {
    let package = package();
    package.write("src/lib.rs", NOTE);
    build_and_seal(&package, "first");
    package.write("src/lib.rs", &format!("{NOTE}{}", table("Tag")));
    build_and_seal(&package, "second");
    package.check().ok();
    let up = files(&package, "migrations");
    let down = files(&package, "rollbacks");
    let schema = package.read("db/schema.sql");
    let path = |file: &str| package.path().join(file);
    let restored = |file: &str, text: &str| {
        assert_eq!(package.read("db/schema.sql"), schema);
        assert_eq!(package.read("db/draft.sql"), None);
        package.write(file, text);
        package.check().ok();
    };

    let text = package.read(&up[0]).unwrap();
    let lines = text.lines().count();
    package.write(&up[0], &format!("{text}drop table public.note;\n"));
    // What is in the structs would otherwise be drawn.
    package.check().fails_with(&format!(
        "`{}` was changed after it was sealed: line {} is new",
        up[0],
        lines + 1
    ));
    restored(&up[0], &text);

    let crlf = text.replace('\n', " \r\n");
    package.write(&up[0], &crlf);
    package.check().ok();
    package.write(&up[0], &text);

    let text = package.read(&down[1]).unwrap();
    fs::remove_file(path(&down[1])).unwrap();
    package
        .check()
        .fails_with(&format!("`{}` is sealed but missing; restore it", down[1]));
    restored(&down[1], &text);

    let other = up[1].replace("_second", "_third");
    fs::rename(path(&up[1]), path(&other)).unwrap();
    package
        .check()
        .fails_with(&format!("`{}` was renamed to `{other}`", up[1]));
    fs::rename(path(&other), path(&up[1])).unwrap();

    let (first, second) = (package.read(&up[0]).unwrap(), package.read(&up[1]).unwrap());
    package.write(&up[0], &second);
    package.write(&up[1], &first);
    package
        .check()
        .fails_with(&format!("`{}` holds what was sealed as `{}`", up[0], up[1]))
        .fails_with(&format!("`{}` holds what was sealed as `{}`", up[1], up[0]));
    package.write(&up[0], &first);
    restored(&up[1], &second);

    let stray = "db/migrations/29990101000000_stray.sql";
    package.write(stray, "select 1;\n");
    package.check().fails_with(&format!(
        "`{stray}` is not in the lock and would never be applied"
    ));
    fs::remove_file(path(stray)).unwrap();

    let lock = package.read("db/tabellion.lock").unwrap();
    package.write(
        "db/tabellion.lock",
        &lock.replacen("\nschema.", "\n<<<<<<< HEAD\nschema.", 1),
    );
    let line = lock
        .lines()
        .position(|line| line.starts_with("schema."))
        .unwrap()
        + 1;
    package.check().fails_with(&format!(
        "`db/tabellion.lock` cannot be used: line {line} holds a merge conflict; run `cargo tabellion reseal`"
    ));
    restored("db/tabellion.lock", &lock);
}

fn git(folder: &Path, words: &[&str]) -> bool {
    let status = Command::new("git")
        .args(["-c", "user.name=Ana", "-c", "user.email=ana@example.org"])
        .args(words)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("git runs").success()
}

#[tokio::test]
async fn two_branches_sealed_merged_resealed_built_applied() {
    let (package, database) = (package(), database().await);
    let folder = package.path();
    let commit = |name: &str| {
        assert!(git(folder, &["add", "-A"]) && git(folder, &["commit", "-q", "-m", name]));
    };
    package.write("src/lib.rs", "pub mod note;\n// left\n\n\n\n\n// right\n");
    package.write("src/note.rs", NOTE);
    build_and_seal(&package, "base");
    assert!(git(folder, &["init", "-q", "-b", "main"]));
    commit("base");
    for name in ["left", "right"] {
        assert!(git(folder, &["checkout", "-q", "main"]));
        assert!(git(folder, &["checkout", "-q", "-b", name]));
        let lib = package.read("src/lib.rs").unwrap();
        let mark = format!("// {name}");
        package.write(
            "src/lib.rs",
            &lib.replace(&mark, &format!("pub mod {name};")),
        );
        let struct_name = if name == "left" { "Left" } else { "Right" };
        package.write(&format!("src/{name}.rs"), &table(struct_name));
        // A version is a second: two people hardly meet in one, a test does.
        std::thread::sleep(Duration::from_millis(1_100));
        build_and_seal(&package, name);
        // What the build draws is merged by building.
        fs::remove_file(folder.join("db/schema.sql")).unwrap();
        fs::remove_dir_all(folder.join("db/tests")).unwrap();
        commit(name);
    }
    assert!(git(folder, &["merge", "-q", "--no-edit", "left"]));
    package
        .check()
        .fails_with("`db/tabellion.lock` cannot be used")
        .fails_with("`cargo tabellion reseal`");
    let root = folder.join("db");
    assert_eq!(reseal(&root, &[]).unwrap().len(), 1);
    package.check().ok();
    assert_eq!(
        package.read("db/draft.sql"),
        None,
        "the structs and the lock agree"
    );

    let set = Migrations::load(&root).unwrap();
    let names: Vec<&str> = set
        .iter()
        .map(|migration| migration.name.as_str())
        .collect();
    assert_eq!(names, ["base", "left", "right"]);
    let mut engine = Migrator::connect(database.url()).await.unwrap();
    let done = engine.apply(&set, &ApplyOptions::default()).await.unwrap();
    assert_eq!(done.len(), 3);
    let found = engine.verify(&set).await.unwrap();
    assert!(found.is_clean(), "{found}");
}
