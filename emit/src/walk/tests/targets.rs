//! Which targets a manifest has.

use std::process::Command;

use super::{Krate, slashed};
use crate::walk::{Target, TargetKind, targets};

const PACKAGE: &str = "[package]\nname = \"my-shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn found(manifest: &str, files: &[&str], extra: &[&str]) -> Result<Vec<String>, String> {
    let krate = package(manifest, files);
    let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
    let show = |target: &Target| {
        let kind = match &target.kind {
            TargetKind::Lib => "lib".to_owned(),
            TargetKind::Bin(name) => format!("bin {name}"),
        };
        format!(
            "{kind} {} {}",
            target.crate_name,
            slashed(std::slice::from_ref(&target.root))[0]
        )
    };
    match targets(krate.dir.path(), &extra) {
        Ok(targets) => Ok(targets.iter().map(show).collect()),
        Err(error) => Err(error.to_string()),
    }
}

fn package(manifest: &str, files: &[&str]) -> Krate {
    let mut all = vec![("Cargo.toml", manifest)];
    all.extend(files.iter().map(|file| (*file, "")));
    Krate::new(&all)
}

fn ok(manifest: &str, files: &[&str], extra: &[&str], expected: &[&str]) {
    let manifest = format!("{PACKAGE}{manifest}");
    assert_eq!(
        found(&manifest, files, extra).as_deref(),
        Ok(&expected.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..])
    );
}

#[test]
fn the_library_comes_first() {
    ok("", &["src/lib.rs"], &[], &["lib my_shop src/lib.rs"]);
    ok(
        "",
        &["src/lib.rs", "src/main.rs"],
        &[],
        &["lib my_shop src/lib.rs"],
    );
    ok(
        "",
        &["src/lib.rs", "src/main.rs"],
        &["my-shop", "my-shop"],
        &["lib my_shop src/lib.rs", "bin my-shop my_shop src/main.rs"],
    );
    ok(
        "[lib]\nname = \"deed\"\npath = \"code/root.rs\"\n",
        &["src/main.rs"],
        &[],
        &["lib deed code/root.rs"],
    );
    ok(
        "autolib = false\n",
        &["src/lib.rs", "src/main.rs"],
        &[],
        &["bin my-shop my_shop src/main.rs"],
    );
}

#[test]
fn without_a_library_the_only_binary_is_taken() {
    ok(
        "",
        &["src/main.rs"],
        &[],
        &["bin my-shop my_shop src/main.rs"],
    );
    ok(
        "",
        &["src/bin/a-b.rs"],
        &[],
        &["bin a-b a_b src/bin/a-b.rs"],
    );
    ok(
        "",
        &["src/bin/deep/main.rs", "src/bin/deep/other.rs"],
        &[],
        &["bin deep deep src/bin/deep/main.rs"],
    );
    ok(
        "[[bin]]\nname = \"server\"\npath = \"src/main.rs\"\n",
        &["src/main.rs"],
        &[],
        &["bin server server src/main.rs"],
    );
    ok(
        "autobins = false\n[[bin]]\nname = \"one\"\n",
        &["src/main.rs", "src/bin/one.rs", "src/bin/two.rs"],
        &[],
        &["bin one one src/bin/one.rs"],
    );
    ok(
        "",
        &["src/main.rs", "src/bin/two.rs"],
        &["two"],
        &["bin two two src/bin/two.rs"],
    );
}

#[test]
fn errors_say_what_to_do() {
    let several = found(PACKAGE, &["src/main.rs", "src/bin/two.rs"], &[]);
    assert_eq!(
        several,
        Err("the package has no library and several binaries (`my-shop`, `two`); name the ones that hold tables with `Emitter::target`".into())
    );
    let unknown = found(PACKAGE, &["src/lib.rs", "src/main.rs"], &["tow"]);
    assert_eq!(
        unknown,
        Err("no binary `tow` in the package; name one it has: `my-shop`".into())
    );
    let none = found(PACKAGE, &["src/lib.rs"], &["tow"]);
    assert_eq!(
        none,
        Err("no binary `tow` in the package; remove the name, since it has none".into())
    );
    let nothing = found(PACKAGE, &[], &[]);
    assert_eq!(nothing, Err("the package has neither a library nor a binary to scan; add `src/lib.rs` or `src/main.rs`".into()));
    let malformed = found("[package\n", &[], &[]).expect_err("not TOML");
    assert!(
        malformed.starts_with("`Cargo.toml` is not valid TOML: "),
        "{malformed}"
    );
    assert!(!malformed.contains('\n'), "{malformed}");
    let unreadable = targets(Krate::new(&[]).dir.path(), &[])
        .expect_err("no file")
        .to_string();
    assert!(
        unreadable.starts_with("`Cargo.toml` cannot be read: "),
        "{unreadable}"
    );
}

/// Every binary by name, so that the library and each of them can be compared with cargo's list.
#[test]
fn cargo_agrees() {
    let cases: &[(&str, &[&str])] = &[
        (
            "",
            &[
                "src/lib.rs",
                "src/main.rs",
                "src/bin/a.rs",
                "src/bin/b/main.rs",
                "src/bin/not.txt",
            ],
        ),
        ("[lib]\nname = \"deed\"\n", &["src/lib.rs"]),
        (
            "[lib]\npath = \"root.rs\"\n[[bin]]\nname = \"server\"\npath = \"src/main.rs\"\n",
            &["root.rs", "src/main.rs", "src/bin/a.rs"],
        ),
        (
            "autobins = false\n[[bin]]\nname = \"a\"\n",
            &["src/main.rs", "src/bin/a.rs", "src/bin/b.rs"],
        ),
        (
            "[[bin]]\nname = \"a\"\npath = \"x.rs\"\n",
            &["x.rs", "src/bin/a.rs", "src/bin/b.rs"],
        ),
        (
            "[[bin]]\nname = \"my-shop\"\n",
            &["src/main.rs", "src/lib.rs"],
        ),
    ];
    for (manifest, files) in cases {
        let manifest = format!("{PACKAGE}{manifest}");
        let krate = package(&manifest, files);
        let dir = krate.dir.path();
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
            .current_dir(dir)
            .output()
            .expect("cargo runs");
        let json = String::from_utf8_lossy(&output.stdout).replace('\\', "/");
        let cargo = cargo_targets(
            &json,
            &dir.canonicalize().expect("a folder").to_string_lossy(),
        );
        assert!(
            !cargo.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );

        let bins: Vec<String> = cargo
            .iter()
            .filter(|(kind, ..)| kind == "bin")
            .map(|(_, name, _)| name.clone())
            .collect();
        let mut ours: Vec<_> = targets(dir, &bins)
            .expect("targets")
            .into_iter()
            .map(|target| {
                let root = slashed(&[target.root])[0].clone();
                match target.kind {
                    TargetKind::Lib => ("lib".to_owned(), target.crate_name, root),
                    TargetKind::Bin(name) => ("bin".to_owned(), name, root),
                }
            })
            .collect();
        ours.sort();
        assert_eq!(ours, cargo, "{manifest}");
        // And no binary that cargo does not know.
        let unknown = targets(dir, &["none such".to_owned()])
            .expect_err("no such")
            .to_string();
        for name in &bins {
            assert!(unknown.contains(&format!("`{name}`")), "{unknown}");
        }
        assert_eq!(
            unknown.matches('`').count(),
            2 + 2 * bins.len(),
            "{unknown}"
        );
    }
}

/// Kind, name and root of each target in cargo's JSON, whose targets have no nested objects.
fn cargo_targets(json: &str, dir: &str) -> Vec<(String, String, String)> {
    let mut targets = Vec::new();
    let Some((_, list)) = json.split_once("\"targets\":[") else {
        return targets;
    };
    for entry in list.split("{\"kind\":[\"").skip(1) {
        let text = |key: &str| {
            let (_, rest) = entry.split_once(&format!("\"{key}\":\"")).expect("the key");
            rest.split_once('"').expect("its end").0.to_owned()
        };
        let kind = entry.split_once('"').expect("the kind").0.to_owned();
        let root = text("src_path").replace(dir, "");
        targets.push((kind, text("name"), root.trim_start_matches('/').to_owned()));
    }
    targets.sort();
    targets
}
