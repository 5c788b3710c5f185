//! An extension in a PostgreSQL schema that the other branch makes for its tables.

use tabellion::migrate::reseal;
use tabellion_sql::schema::{Extension, Schema};

use crate::anew::{parted, plain, runs, tables};

/// It would stay there when the branch that makes the schema is rolled back.
#[tokio::test]
async fn an_extension_goes_only_before_the_tables_of_the_other_branch_into_one_schema() {
    let a = ("public", "a", plain("A"));
    let base = tables(std::slice::from_ref(&a));
    let tabled = tables(&[a.clone(), ("w", "b", plain("B"))]);
    let extended = |schema: &Schema| {
        let mut schema = schema.clone();
        let home = Extension {
            schema: Some("w".into()),
        };
        schema.extensions.insert("pg_trgm".into(), home);
        schema
    };
    let repository = parted(&base, &[extended(&base)], std::slice::from_ref(&tabled));
    runs(&repository, &extended(&tabled)).await;
    for left in [extended(&base), extended(&tabled)] {
        let repository = parted(&base, std::slice::from_ref(&tabled), &[left]);
        let error = reseal(repository.project.root(), &[]).unwrap_err();
        let error = error.to_string();
        let told = "cannot stand behind the other branch: extension `pg_trgm` would lie in PostgreSQL schema `w`, \
                    which an earlier migration has made for tables: a rollback leaves the extension there, and that \
                    migration's own could not drop the schema; give it one of its own, such as \
                    `.extension_in(\"pg_trgm\", \"extensions\")`; take one of the branches back";
        assert!(error.contains(told), "{error}");
    }
}
