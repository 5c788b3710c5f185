//! Two branches of which each is right by itself, and both together are not.

use tabellion::migrate::reseal;
use tabellion_sql::schema::{
    Check, Expr, ForeignKey, Index, IndexColumn, Partition, PartitionBy, PartitionStrategy,
    QualifiedName, Table, Type,
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
    let listed = |partitions: &[(&str, &str)]| {
        let mut table = plain("A");
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["id".into()],
        });
        for (name, value) in partitions {
            let bound = Partition::List(vec![(*value).into()]);
            table.partitions.insert((*name).into(), bound);
        }
        table
    };
    let state = |texts: &str, default: &str| {
        let mut table = plain("A");
        table.columns[1].ty = Type::Text;
        table.columns[1].default = Some(default.into());
        let check = Check::new(Expr::new(format!("x in ({texts})"), ["x"]));
        table.checks.insert("a_x_check".into(), check);
        table
    };
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
            "references table `public.a`, which was dropped by `",
        ),
        // Two partitions of the same rows.
        (
            vec![named("a", listed(&[("p", "1")]))],
            vec![named("a", listed(&[("p", "1"), ("q", "2")]))],
            vec![named("a", listed(&[("p", "1"), ("r", "2")]))],
            "partitions `q` and `r` both hold 2; remove it from one",
        ),
        // A default that an enum no longer allows.
        (
            vec![named("a", state("'one', 'two'", "'one'"))],
            vec![named("a", state("'one', 'two'", "'two'"))],
            vec![named("a", state("'one'", "'one'"))],
            "column `x` on table `a` has the default 'two', which check `a_x_check` refuses",
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
