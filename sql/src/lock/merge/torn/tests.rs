use super::super::super::Lock;
use super::super::super::tests::schema;
use super::super::tests::{after, union};
use super::*;
use crate::schema::{Partition, QualifiedName};

/// What one branch renames and the other drops, changes or gives another name.
#[test]
fn what_one_branch_renamed_and_the_other_took_away_is_told() {
    let order = QualifiedName::new("public", "order");
    let listed = |columns: &[&str], partition: Option<&str>| {
        let mut schema = schema(columns);
        let partitions = &mut schema.tables.get_mut(&order).unwrap().partitions;
        partitions.extend(partition.map(|it| (it.to_owned(), Partition::List(vec!["1".into()]))));
        schema
    };
    let all = ["id", "a", "b"];
    let base = listed(&all, Some("p"));
    let renamed = |to: &str| {
        let mut schema = base.clone();
        let table = schema.tables.get_mut(&order).unwrap();
        table.columns[1].name = to.into();
        (
            schema,
            format!("removes: column public.\"order\".a: renamed to {to}"),
        )
    };
    let moved = {
        let mut schema = base.clone();
        let table = schema.tables.remove(&order).unwrap();
        schema
            .tables
            .insert(QualifiedName::new("public", "sale"), table);
        (
            schema,
            "removes: table public.\"order\": renamed to public.sale".to_owned(),
        )
    };
    let dropped = (listed(&["id", "b"], Some("p")), String::new());
    let uncommented = {
        let mut schema = base.clone();
        schema.tables.get_mut(&order).unwrap().comment = None;
        (schema, String::new())
    };
    let carved = |to: &str| {
        let hazard = format!("removes: partition public.p: renamed to {to}");
        (listed(&all, Some(to)), hazard)
    };
    let emptied = (listed(&all, None), String::new());
    let partition = "partition `p` of table `public.\"order\"` was renamed to `q`";
    let column = "column `public.\"order\".a` was renamed to `x`";
    let table = "table `public.\"order\"` was renamed to `public.sale`";
    for (one, other, said) in [
        (renamed("x"), dropped.clone(), Some((column, "was dropped"))),
        (
            renamed("x"),
            renamed("y"),
            Some((column, "was renamed to `y`")),
        ),
        (renamed("x"), renamed("x"), None),
        (carved("q"), emptied, Some((partition, "was dropped"))),
        (
            carved("q"),
            carved("r"),
            Some((partition, "was renamed to `r`")),
        ),
        (moved.clone(), dropped, Some((table, "was changed"))),
        (moved, uncommented, Some((table, "was changed"))),
    ] {
        let base = after(&Lock::default(), "20260101000000", "base", &base, "");
        let one = after(&base, "20260201000000", "one", &one.0, &one.1);
        let other = after(&base, "20260202000000", "other", &other.0, &other.1);
        for text in [union(&one, &other), union(&other, &one)] {
            let error = Lock::merged(&text).err().map(|error| error.to_string());
            let expected = said.map(|(what, fate)| {
                format!(
                    "{what} by `20260201000000_one.sql`, and {fate} by `20260202000000_other.sql` of the other \
                     branch; {WAY_OUT}"
                )
            });
            assert_eq!(error, expected);
        }
    }
}
