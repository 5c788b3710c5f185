use super::super::tests::{schema, seal};
use super::super::{NewPair, Sealed, schema_checksum};
use super::*;
use crate::file::Document;

const ORDERS: &str = "schema.tables.\"public.\\\"order\\\"\"";

pub(super) fn base() -> Lock {
    let mut lock = Lock::default();
    seal(
        &mut lock,
        "20260101000000",
        "base",
        schema(&["id", "a", "b"]),
    )
    .unwrap();
    lock
}

/// Two branches: one drops `a` and adds `left`, in two seals; the other adds `right`.
fn branches() -> (Lock, Lock) {
    let (mut left, mut right) = (base(), base());
    let columns = ["id", "b"];
    seal(&mut left, "20260201000000", "l1", schema(&columns)).unwrap();
    seal(
        &mut left,
        "20260203000000",
        "l2",
        schema(&["id", "b", "left"]),
    )
    .unwrap();
    seal(
        &mut right,
        "20260202000000",
        "r1",
        schema(&["id", "a", "b", "right"]),
    )
    .unwrap();
    (left, right)
}

/// Every line of both sides, as `merge=union` may leave them.
pub(super) fn union(left: &Lock, right: &Lock) -> String {
    format!("{}{}", left.to_text(), right.to_text())
}

pub(super) fn conflict(left: &Lock, right: &Lock) -> String {
    format!(
        "<<<<<<< HEAD\n{}||||||| base\n{}=======\n{}>>>>>>> right\n",
        left.to_text(),
        base().to_text(),
        right.to_text()
    )
}

/// Seals what is moved anew, as `reseal` does where every file stays as it is.
pub(super) fn chain(lock: &mut Lock, text: &str, order: &Order) -> Vec<[String; 2]> {
    let merged = lock.schema.clone();
    let schemas = lock.schemas(text).unwrap();
    let sealed = |version: &String| lock.migrations[version].clone();
    let moved: Vec<(String, Sealed)> = order
        .moved
        .iter()
        .map(|it| (it.clone(), sealed(it)))
        .collect();
    let kept = order.kept.last().map(|last| sealed(last).checksum(last));
    lock.part(&order.moved, schemas[&kept].clone()).unwrap();
    let mut texts = Vec::new();
    for (index, (version, link)) in moved.into_iter().enumerate() {
        let (from, to) = (
            &schemas[&link.parent],
            &schemas[&Some(link.checksum(&version))],
        );
        let schema = carried(&lock.schema, from, to).unwrap();
        let pair = NewPair {
            version: format!("2026030100000{index}"),
            up: Document::parse("-- tabellion: parent x\n\nselect 1;\n").unwrap(),
            down: Document::parse("select 2;\n").unwrap(),
            schema: Some(schema_checksum(&schema)),
        };
        texts.extend(lock.seal(&link.name, vec![pair], schema).unwrap());
    }
    assert_eq!(lock.schema, merged);
    texts
}

#[test]
fn both_sides_become_one_chain_however_they_were_merged() {
    let (left, right) = branches();
    for text in [
        union(&left, &right),
        union(&right, &left),
        conflict(&left, &right),
    ] {
        assert!(Lock::parse(&text).is_err());
        let mut lock = Lock::merged(&text).unwrap();
        let columns = lock.schema.tables.values().next().unwrap().columns.iter();
        let names: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["id", "b", "left", "right"]);
        let order = lock.order(&BTreeMap::new()).unwrap();
        assert_eq!(
            order.kept,
            ["20260101000000", "20260201000000", "20260203000000"]
        );
        assert_eq!(order.moved, ["20260202000000"]);
        let parent = lock.migrations["20260203000000"].checksum("20260203000000");
        let texts = chain(&mut lock, &text, &order);
        assert_eq!(
            texts,
            [[
                format!("-- tabellion: parent {parent}\n\nselect 1;\n"),
                format!("-- tabellion: parent {parent}\n\nselect 2;\n")
            ]]
        );
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }
}

#[test]
fn what_is_applied_comes_first() {
    let (left, right) = branches();
    let text = union(&left, &right);
    let lock = Lock::merged(&text).unwrap();
    let on =
        |version: &str, target: &str| (version.to_owned(), BTreeSet::from([target.to_owned()]));
    let applied = BTreeMap::from([
        on("20260101000000", "production"),
        on("20260202000000", "production"),
    ]);
    let order = lock.order(&applied).unwrap();
    assert_eq!(order.kept, ["20260101000000", "20260202000000"]);
    assert_eq!(order.moved, ["20260201000000", "20260203000000"]);
    let mut resealed = lock.clone();
    chain(&mut resealed, &text, &order);
    assert_eq!(Lock::parse(&resealed.to_text()), Ok(resealed));

    let both = BTreeMap::from([
        on("20260201000000", "staging"),
        on("20260202000000", "production"),
    ]);
    let error = lock.order(&both).unwrap_err().to_string();
    assert!(
        error.contains("`20260201000000` on `staging`, and `20260202000000` on `production`"),
        "{error}"
    );
}

#[test]
fn contradictions_are_told_with_both_lines() {
    let (mut left, mut right) = (base(), base());
    let mut changed = schema(&["id", "a", "b"]);
    let table = changed.tables.values_mut().next().unwrap();
    table.comment = Some("Left.".into());
    seal(&mut left, "20260201000000", "l", changed.clone()).unwrap();
    let table = changed.tables.values_mut().next().unwrap();
    table.comment = Some("Right.".into());
    seal(&mut right, "20260202000000", "r", changed).unwrap();
    let text = union(&left, &right);
    let line = |value: &str| {
        let fact = format!("{ORDERS}.comment = \"{value}\"");
        text.lines().position(|line| line == fact).unwrap() + 1
    };
    let error = Lock::merged(&text).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("line {} says `schema.", line("Right.")))
            && error.contains(&format!("line {} says `schema.", line("Left."))),
        "{error}"
    );
}

#[test]
fn a_fact_that_came_back_stays() {
    let mut left = base();
    seal(&mut left, "20260201000000", "l1", schema(&["id", "b"])).unwrap();
    seal(&mut left, "20260203000000", "l2", schema(&["id", "a", "b"])).unwrap();
    let mut right = base();
    seal(
        &mut right,
        "20260202000000",
        "r",
        schema(&["id", "a", "b", "c"]),
    )
    .unwrap();
    let lock = Lock::merged(&union(&left, &right)).unwrap();
    assert_eq!(lock.schema, schema(&["id", "a", "b", "c"]));
}

#[test]
fn a_lock_that_nobody_merged_stays_as_it_is() {
    let (left, _) = branches();
    let lock = Lock::merged(&left.to_text()).unwrap();
    assert_eq!(lock, left);
    let order = lock.order(&BTreeMap::new()).unwrap();
    assert_eq!((order.kept.len(), order.moved.len()), (3, 0));
    assert!(Lock::merged("nonsense\n").is_err());
}

/// Seals a schema behind a base, with hazards.
pub(super) fn after(base: &Lock, version: &str, name: &str, schema: &Schema, hazard: &str) -> Lock {
    let mut lock = base.clone();
    let up = format!("-- tabellion: {hazard}\n\nselect 1;\n");
    let pair = NewPair {
        version: version.into(),
        up: Document::parse(if hazard.is_empty() {
            "select 1;\n"
        } else {
            &up
        })
        .unwrap(),
        down: Document::parse("select 2;\n").unwrap(),
        schema: Some(schema_checksum(schema)),
    };
    lock.seal(name, vec![pair], schema.clone()).unwrap();
    lock
}

#[test]
fn what_one_branch_took_away_and_the_other_changed_is_told_in_terms_of_both() {
    use crate::schema::{Check, Expr, Index, IndexColumn, QualifiedName, Type};
    let order = QualifiedName::new("public", "order");
    let table = |change: &dyn Fn(&mut crate::schema::Table)| {
        let mut schema = schema(&["id", "a", "b"]);
        let table = schema.tables.get_mut(&order).unwrap();
        let mut index = Index::new([IndexColumn::new("b")]);
        index.unique = true;
        table.indexes.insert("i".into(), index);
        table
            .checks
            .insert("c".into(), Check::new(Expr::new("a > 0", ["a"])));
        change(table);
        schema
    };
    let renamed = |change: &dyn Fn(&mut crate::schema::Table)| {
        let mut schema = table(change);
        let table = schema.tables.remove(&order).unwrap();
        let sale = QualifiedName::new("public", "sale");
        schema.tables.insert(sale, table);
        schema
    };
    let none = |schema: &Schema| Schema {
        tables: BTreeMap::new(),
        ..schema.clone()
    };
    let as_it_was = table(&|_| {});
    let added = table(&|table| {
        let column = crate::schema::Column::new("c", Type::Int4);
        table.columns.push(column);
    });
    let typed = table(&|table| table.columns[1].ty = Type::Int8);
    let other_name = table(&|table| table.columns[1].name = "x".into());
    let indexed = table(&|table| {
        table.indexes.get_mut("i").unwrap().columns = vec![IndexColumn::new("a")];
    });
    let without = table(&|table| table.indexes.clear());
    let base = after(&Lock::default(), "20260101000000", "base", &as_it_was, "");
    for (taken, hazard, changed, said) in [
        (
            renamed(&|_| {}),
            "removes: table public.\"order\": renamed to public.sale",
            &added,
            "table `public.\"order\"` was renamed to `public.sale` by `20260201000000_taken.sql`",
        ),
        (
            none(&as_it_was),
            "loses-data: table public.\"order\": dropped",
            &added,
            "table `public.\"order\"` was dropped by `20260201000000_taken.sql`",
        ),
        (
            other_name,
            "removes: column public.\"order\".a: renamed to x",
            &typed,
            "column `public.\"order\".a` was renamed to `x` by `20260201000000_taken.sql`",
        ),
        (
            without,
            "removes: index i on public.\"order\": dropped",
            &indexed,
            "index `i` of table `public.\"order\"` was dropped by `20260201000000_taken.sql`",
        ),
    ] {
        let taken = after(&base, "20260201000000", "taken", &taken, hazard);
        let changed = after(&base, "20260202000000", "changed", changed, "");
        for text in [union(&taken, &changed), conflict(&changed, &taken)] {
            let error = Lock::merged(&text).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "{said}, and changed by `20260202000000_changed.sql` of the other branch; take one of the \
                     branches back to before its seal, merge, build, and seal it again"
                )
            );
        }
    }
}

#[test]
fn a_column_that_one_branch_took_away_has_no_place_that_the_other_gave_it() {
    let (mut left, mut right) = (base(), base());
    seal(&mut left, "20260201000000", "l", schema(&["id", "b"])).unwrap();
    seal(&mut right, "20260202000000", "r", schema(&["id", "a"])).unwrap();
    let text = union(&left, &right);
    let on = |version: &str| {
        let on = BTreeSet::from(["production".to_owned()]);
        BTreeMap::from([(version.to_owned(), on)])
    };
    for applied in ["20260201000000", "20260202000000"] {
        let mut lock = Lock::merged(&text).unwrap();
        assert_eq!(lock.schema, schema(&["id"]));
        let order = lock.order(&on(applied)).unwrap();
        chain(&mut lock, &text, &order);
        assert_eq!(Lock::parse(&lock.to_text()), Ok(lock));
    }
}
