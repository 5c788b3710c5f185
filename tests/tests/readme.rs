//! The README's tour, taken step by step by a package outside the workspace.

use std::process::Command;

use tabellion::testing::{Server, TestDatabase};
use tabellion_tests::{Package, Readme, workspace};

/// The package that the README builds, with Tabellion found by path instead of in a registry.
fn shop(readme: &Readme) -> Package {
    let package = Package::bare();
    let root = workspace().display();
    let manifest = readme.file("Cargo.toml");
    package.write(
        "Cargo.toml",
        &format!(
            "{manifest}\n[workspace]\n\n[patch.crates-io]\n\
             tabellion = {{ path = '{root}/runtime' }}\ntabellion-build = {{ path = '{root}/emit' }}\n"
        ),
    );
    package.write("build.rs", readme.file("build.rs"));
    package.write("src/main.rs", readme.file("src/main.rs"));
    package
}

/// The words of a line, as a shell reads them: quotes keep blanks, `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for (index, part) in line.split('"').enumerate() {
        quoted = index % 2 == 1;
        if quoted {
            words.last_mut().expect("a word").push_str(part);
            continue;
        }
        let (part, is_end) = match part.split_once(" #") {
            Some((part, _)) => (part, true),
            None => (part, false),
        };
        for (index, word) in part.split(' ').enumerate() {
            if index > 0 {
                words.push(String::new());
            }
            words.last_mut().expect("a word").push_str(word);
        }
        if is_end {
            break;
        }
    }
    assert!(!quoted, "`{line}` leaves a quote open");
    words.retain(|word| !word.is_empty());
    words
}

/// Runs a line of the README's shell blocks in the package; nothing that it prints may hold the password of
/// one of these URLs.
fn tabellion(package: &Package, line: &str, urls: &[(&str, &str)]) -> String {
    let manifest = workspace().join("cli/Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--manifest-path"])
        .arg(manifest)
        .arg("--")
        .args(&words(line)[1..])
        .current_dir(package.path())
        .env_remove("DATABASE_URL")
        .envs(urls.iter().copied())
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let erred = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{line}` failed:\n{said}\n{erred}");
    for (_, url) in urls {
        let password = url
            .split(['@'])
            .next()
            .and_then(|head| head.rsplit(':').next())
            .unwrap_or(url);
        assert!(
            !said.contains(password) && !erred.contains(password),
            "`{line}` shows the password"
        );
    }
    said
}

/// Runs SQL as the superuser.
async fn execute(database: &TestDatabase, sql: &str) {
    let (client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls)
        .await
        .expect("the test's own database answers");
    tokio::spawn(connection);
    client.batch_execute(sql).await.expect("the SQL runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour() {
    let readme = Readme::read();
    let package = shop(&readme);
    package.cargo(&["build"], &[]).ok();
    for line in readme.block("text", "db/schema.sql").lines() {
        let file = line.split(' ').next().unwrap_or_default();
        assert!(package.read(file).is_some(), "{file} was not written");
    }
    let draft = package.read("db/draft.sql").expect("a draft");
    assert!(
        draft.contains(readme.block("sql", "create table public.tasks")),
        "{draft}"
    );

    let source = readme.file("src/main.rs");
    let tenant = "#[tenant(shop_domain = scope.domain)]\n";
    assert!(source.contains(tenant));
    package.write("src/main.rs", &source.replace(tenant, ""));
    let error = readme.block("text", "has no row-level security").trim();
    package.cargo(&["check"], &[]).fails_with(error);
    package.write("src/main.rs", source);
    package.cargo(&["build"], &[]).ok();

    let database = Server::shared()
        .expect("a server")
        .database()
        .await
        .expect("a database");
    let url = database.url();
    for line in readme.block("sh", "cargo tabellion seal").lines() {
        if line.starts_with("cargo tabellion") {
            tabellion(&package, line, &[("DATABASE_URL", url)]);
        }
    }
    assert!(package.read("db/tabellion.lock").is_some());
    assert_eq!(package.read("db/draft.sql"), None);
    // What was sealed is what a locked build wants.
    package.cargo(&["build"], &[("TABELLION_LOCKED", "1")]).ok();

    execute(&database, readme.block("sql", "create role shop_login")).await;
    let login = database.url_as("shop_login", "change me");
    let built = package
        .cargo(&["run", "--quiet"], &[("APP_DATABASE_URL", &login)])
        .ok();
    assert_eq!(built.stdout, readme.block("text", "acme has 1 task"));

    change(&readme, &package, url);
    applying(&readme, &package, url).await;

    let refused = package.cargo(&["run", "--quiet"], &[("APP_DATABASE_URL", url)]);
    assert!(!refused.success, "a superuser was let in");
    assert!(
        refused.stderr.contains("create role"),
        "no login is named: {}",
        refused.stderr
    );

    require(&readme, &package, &database, &login).await;
}

/// The second part of the tour: a field is renamed, an index added.
fn change(readme: &Readme, package: &Package, url: &str) {
    let source = readme.file("src/main.rs");
    let (field, head) = ("    pub notes: Option<String>,", "pub struct Task {");
    assert!(source.contains(field) && source.contains(head));
    let renamed = source.replace(field, "    pub details: Option<String>,");
    package.write("src/main.rs", &renamed);
    let question = readme.block("text", "column `tasks.details` is new").trim();
    package.cargo(&["check"], &[]).fails_with(question);

    let answer = readme.block("rust,ignore", "renamed_from");
    let (above, below) = answer
        .split_once("    // …\n")
        .expect("the block leaves out the rest");
    let answered = source
        .replace(&format!("{head}\n"), above)
        .replace(&format!("{field}\n"), below);
    package.write("src/main.rs", &answered);
    package.cargo(&["build"], &[]).ok();
    let draft = package.read("db/draft.sql").expect("a draft");
    assert!(
        draft.contains(readme.block("sql", "rename column notes")),
        "{draft}"
    );
    let second = package.read("db/draft.2.sql").expect("a second draft");
    assert!(second.contains("create index concurrently"), "{second}");
    for line in readme.block("sh", "seal details").lines() {
        tabellion(package, line, &[("DATABASE_URL", url)]);
    }
    assert_eq!(package.read("db/draft.2.sql"), None);
    package.cargo(&["build"], &[("TABELLION_LOCKED", "1")]).ok();
}

/// Two databases by name, of which one asks for approvals.
async fn applying(readme: &Readme, package: &Package, staging: &str) {
    let production = Server::shared()
        .expect("a server")
        .database()
        .await
        .expect("a database");
    package.write(
        "tabellion.toml",
        readme.block("toml", "[target.production]"),
    );
    let urls = [
        ("STAGING_DATABASE_URL", staging),
        ("PRODUCTION_DATABASE_URL", production.url()),
    ];
    let block = readme.block("sh", "cargo tabellion approve");
    let said: Vec<String> = block
        .lines()
        .map(|line| tabellion(package, line, &urls))
        .collect();
    let [rehearsed, planned, approved, applied, verified] = said.as_slice() else {
        panic!("the README has other commands: {said:?}");
    };
    assert!(rehearsed.contains("  exact"), "{rehearsed}");
    assert!(planned.contains(", not approved\n"), "{planned}");
    assert!(approved.contains(" for Ada Lovelace\n"), "{approved}");
    assert!(applied.starts_with("applied "), "{applied}");
    assert!(verified.contains(", no difference\n"), "{verified}");
    let sums = package.read("evidence/2026-11-21/SHA256SUMS");
    assert_eq!(sums.expect("evidence").lines().count(), 4);
}

/// The program refuses to start on another schema.
async fn require(readme: &Readme, package: &Package, database: &TestDatabase, login: &str) {
    let source = package.read("src/main.rs").expect("the program");
    let block = readme.block("rust,ignore", "require_schema");
    let (connect, _) = block.split_once('\n').expect("two lines");
    assert!(source.contains(connect), "{source}");
    // The same program has the blocks about raw SQL and transactions too.
    let (print, together) = (
        "    println!(\"acme has",
        readme.block("rust,ignore", "transaction(async"),
    );
    assert!(source.contains(print), "{source}");
    let raw = readme.block("rust,ignore", "query_as::<Load>");
    let with = format!(
        "{raw}    println!(\"load {{}} x {{}}\", load.len(), load[0].tasks);\n    \
         assert_eq!(load[0].priority, Priority::High);\n\
         {together}    println!(\"done with {{done}}\");\n{print}"
    );
    let source = source
        .replace(connect, block.trim_end())
        .replace(print, &with);
    package.write("src/main.rs", &source);
    execute(database, readme.block("sql", "grant usage on schema")).await;
    let run = || package.cargo(&["run", "--quiet"], &[("APP_DATABASE_URL", login)]);
    let ran = run().ok();
    assert!(
        ran.stdout.starts_with("load 1 x 2\ndone with 2\nacme has "),
        "{}",
        ran.stdout
    );
    execute(database, "alter table public.tasks drop column priority").await;
    run().fails_with("column `priority` on `public.tasks` is missing");
}

/// A block that nobody runs would rot: one more or one less must be met by a test.
#[test]
fn every_block_is_known() {
    let count = |language: &str, count: usize| (language.to_owned(), count);
    assert_eq!(
        Readme::read().languages(),
        [
            count("rust", 2),
            count("rust,ignore", 5),
            count("sh", 5),
            count("sql", 4),
            count("text", 5),
            count("toml", 2)
        ]
    );
}
