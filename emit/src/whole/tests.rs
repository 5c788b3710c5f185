use std::fs;

use tabellion_sql::schema::Schema;
use tempfile::TempDir;

use super::Whole;
use crate::walk::Cfg;

/// Tables that refer to each other across files, a scope, an enumeration, one that stands twice, mistakes of
/// both kinds, and a file that does not parse if `broken`.
fn package(broken: bool) -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write(
        "Cargo.toml",
        "[package]\nname = \"p\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    );
    let mut lib = String::from(
        "use tabellion::{Scope, Table, TextEnum};\nmod odd;\n\
         #[derive(Scope)] #[scope(role = \"app\")] pub struct Shop { #[setting(\"app.shop\")] pub shop: String }\n\
         #[derive(TextEnum)] pub enum Mood { Good, Bad }\n",
    );
    for file in 0..3 {
        lib.push_str(&format!("mod m{file};\n"));
        let mut text = String::from("use tabellion::Table; use crate::{Mood, Shop};\n");
        for number in 0..4 {
            let (own, other) = (file * 4 + number, (file * 4 + number + 5) % 12);
            text.push_str(&format!(
                "/// One.\n#[derive(Table)] #[table(name = \"t{own}\", scope = Shop)]\n\
                 #[tenant(shop = scope.shop)] #[index(columns(other))]\npub struct T{own} {{\n\
                 #[column(primary_key)] pub id: i64, pub shop: String, pub mood: Mood,\n\
                 #[column(references = crate::m{}::T{other}::id)] pub other: Option<i64> }}\n",
                other / 4
            ));
        }
        write(&format!("src/m{file}.rs"), &text);
    }
    write("src/lib.rs", &lib);
    let mut odd = String::from(
        "use tabellion::Table;\n\
         #[derive(Table)] #[no_rls(reason = \"none\")] struct Both { #[column(primary_key)] id: i64, \
         #[cfg(test)] more: i64 }\n\
         mod inner { #![allow(dead_code)]\n#[derive(tabellion::Table)] #[no_rls(reason = \"a } b\")] pub(super) \
         struct r#Inner { #[column(primary_key)] id: i64, // }\n\
         #[column(references = super::Both::id)] both: i64 }\n\
         #[derive(Debug)] struct Plain { id: i64 }\n\
         fn f() { #[derive(tabellion::Table)] #[no_rls(reason = \"none\")] struct Within { \
         #[column(primary_key)] id: i64, #[column(references = Inner::id)] inner: i64 } } }\n",
    );
    if broken {
        odd.push_str(
            "#[derive(Table)] #[no_rls(reason = \"none\")] struct Wrong { #[column(nonsense)] id: i64 }\n\
             #[derive(Table)] #[table(name = \"t3\")] #[no_rls(reason = \"none\")] struct Twice { \
             #[column(primary_key)] id: i64 }\n\
             #[derive(Table)] struct Refused { id i64 }\n\
             #[derive(Table)] #[no_rls(reason = \"none\")] struct Leads { #[column(primary_key, references = \
             Refused::id)] id: i64 }\n",
        );
    }
    write("src/odd.rs", &odd);
    dir
}

#[test]
fn any_number_of_threads_reads_the_same() {
    for broken in [false, true] {
        let package = package(broken);
        let read = |threads: usize| {
            let cfg = Cfg::default();
            Whole::read_by(&|_| threads, package.path(), &[], &cfg, Schema::default())
                .expect("it is read")
        };
        let one = read(1);
        assert_eq!(one.schema().is_none(), broken, "{:?}", one.entries);
        assert_eq!(one.is_partial(), broken);
        if !broken {
            assert_eq!(one.schema.tables.len(), 15);
        }
        for threads in 2..=5 {
            let more = read(threads);
            assert_eq!(more.schema, one.schema, "{threads} threads");
            assert_eq!(more.entries, one.entries, "{threads} threads");
            assert_eq!(more.renames, one.renames, "{threads} threads");
            assert_eq!(more.files, one.files, "{threads} threads");
            assert_eq!(more.is_incomplete, one.is_incomplete, "{threads} threads");
            assert_eq!(more.is_partial, one.is_partial, "{threads} threads");
        }
    }
}
