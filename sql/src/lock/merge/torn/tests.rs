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

/// What both branches took along to the same new name of its table, where one did more to it, and what one changed
/// while the other gave its table's name to another table.
#[test]
fn what_went_with_its_table_is_not_told_as_dropped() {
    use crate::schema::{Index, IndexColumn, Schema};
    let (order, sale) = (
        QualifiedName::new("public", "order"),
        QualifiedName::new("public", "sale"),
    );
    let mut base = schema(&["id", "a", "b"]);
    let table = base.tables.get_mut(&order).unwrap();
    let list = Partition::List(vec!["1".into()]);
    table.partitions.insert("p".into(), list.clone());
    let index = Index::new([IndexColumn::new("b")]);
    table.indexes.insert("i".into(), index);
    let renamed = "removes: table public.\"order\": renamed to public.sale";
    let moved = |change: &dyn Fn(&mut Schema)| {
        let mut schema = base.clone();
        let table = schema.tables.remove(&order).unwrap();
        schema.tables.insert(sale.clone(), table);
        change(&mut schema);
        schema
    };
    let repartitioned = moved(&|schema| {
        let partitions = &mut schema.tables.get_mut(&sale).unwrap().partitions;
        partitions.remove("p");
        partitions.insert("q".into(), list.clone());
    });
    let recolumned = moved(&|schema| {
        schema.tables.get_mut(&sale).unwrap().columns[1].name = "x".into();
    });
    let replaced = moved(&|schema| {
        let table = base.tables[&order].clone();
        let anew = crate::schema::Table {
            columns: table.columns[..1].to_vec(),
            ..crate::schema::Table::new("shop::Anew")
        };
        schema.tables.insert(order.clone(), anew);
    });
    let replaced_without = {
        let mut schema = replaced.clone();
        schema.tables.get_mut(&sale).unwrap().indexes.clear();
        schema
    };
    let mut changed = base.clone();
    let indexes = &mut changed.tables.get_mut(&order).unwrap().indexes;
    indexes.get_mut("i").unwrap().unique = true;
    let both = |hazard: &str| format!("{renamed}\n-- tabellion: {hazard}");
    let with_table = "went with its table, renamed to `public.sale`";
    for (one, hazards, other, other_hazards, told) in [
        (
            &repartitioned,
            both("removes: partition public.p: renamed to q"),
            moved(&|_| ()),
            renamed,
            format!(
                "partition `p` of table `public.\"order\"` was renamed to `q` by `20260201000000_one.sql`, and \
                 {with_table} by `20260202000000_other.sql` of the other branch"
            ),
        ),
        (
            &recolumned,
            both("removes: column public.sale.a: renamed to x"),
            moved(&|_| ()),
            renamed,
            format!(
                "column `public.\"order\".a` was renamed to `x` by `20260201000000_one.sql`, and {with_table} by \
                 `20260202000000_other.sql` of the other branch"
            ),
        ),
        (
            &replaced,
            renamed.to_owned(),
            changed.clone(),
            "",
            format!(
                "index `i` of table `public.\"order\"` {with_table} by `20260201000000_one.sql`, and changed by \
                 `20260202000000_other.sql` of the other branch"
            ),
        ),
        (
            &replaced_without,
            renamed.to_owned(),
            changed,
            "",
            "index `i` of table `public.\"order\"` was dropped by `20260201000000_one.sql`, and changed by \
             `20260202000000_other.sql` of the other branch"
                .to_owned(),
        ),
    ] {
        let base = after(&Lock::default(), "20260101000000", "base", &base, "");
        let one = after(&base, "20260201000000", "one", one, &hazards);
        let other = after(&base, "20260202000000", "other", &other, other_hazards);
        for text in [union(&one, &other), union(&other, &one)] {
            let error = Lock::merged(&text).err().map(|error| error.to_string());
            assert_eq!(error, Some(format!("{told}; {WAY_OUT}")));
        }
    }
}
