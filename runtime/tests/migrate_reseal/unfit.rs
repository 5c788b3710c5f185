//! Two branches of which each is right by itself, and both together are not.

use tabellion::migrate::reseal;
use tabellion_sql::schema::{
    Check, Expr, ForeignKey, Index, IndexColumn, QualifiedName, Table, Type,
};

use crate::anew::{parted, plain, tables};

#[test]
fn branches_that_do_not_fit_together_are_refused() {
    let named = |name: &'static str, table: Table| ("public", name, table);
    let index = |mut table: Table, name: &str, column: &str| {
        let index = Index::new([IndexColumn::new(column)]);
        table.indexes.insert(name.into(), index);
        table
    };
    let mut other = plain("A");
    other.columns.retain(|column| column.name != "x");
    let mut child = plain("B");
    let key = ForeignKey::new(["id"], QualifiedName::new("public", "a"), ["id"]);
    child.foreign_keys.insert("b_id_fkey".into(), key);
    let [a, b] = [named("a", plain("A")), named("b", plain("B"))];
    let i = |source: &str| index(plain(source), "i", "x");
    let mut checked = plain("A");
    let check = Check::new(Expr::new("x > 0", ["x"]));
    checked.checks.insert("a_x_check".into(), check);
    let mut typed = plain("A");
    typed.columns[1].ty = Type::Text;
    for (base, right, left, said) in [
        // An index on a column that is gone.
        (
            vec![a.clone()],
            vec![named("a", index(plain("A"), "a_x", "x"))],
            vec![named("a", other.clone())],
            "which was dropped by `",
        ),
        // A check on a column that is gone, and on one of another type.
        (
            vec![a.clone()],
            vec![named("a", checked.clone())],
            vec![named("a", other)],
            "which was dropped by `",
        ),
        (
            vec![a.clone()],
            vec![named("a", checked)],
            vec![named("a", typed)],
            "which got the type `text` by `",
        ),
        // A foreign key to a table that is gone.
        (
            vec![a.clone(), b.clone()],
            vec![a.clone(), named("b", child)],
            vec![b],
            "`public.b`",
        ),
        // Two indexes of one name.
        (
            vec![a.clone()],
            vec![a.clone(), named("b", i("B"))],
            vec![a, named("c", i("C"))],
            "`i`",
        ),
    ] {
        let repository = parted(&tables(&base), &[tables(&right)], &[tables(&left)]);
        let project = &repository.project;
        let (text, files) = (project.read("tabellion.lock"), repository.files());
        let error = reseal(project.root(), &[]).unwrap_err().to_string();
        assert!(
            error.contains("the branches do not fit together") && error.contains(said),
            "{error}"
        );
        assert!(
            error.ends_with("merge, build, and seal it again"),
            "{error}"
        );
        assert_eq!(
            (project.read("tabellion.lock"), repository.files()),
            (text, files)
        );
    }
}
