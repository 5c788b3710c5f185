use std::collections::BTreeSet;

use super::super::tests::after;
use super::*;
use crate::schema::{
    Check, Command, Exclusion, ExclusionElement, Expr, ForeignKey, Index, IndexColumn, IndexKey,
    PartitionBy, PartitionStrategy, Policy, PrimaryKey, Rls, Table, Type, Unique,
};

fn orders() -> QualifiedName {
    QualifiedName::new("public", "order")
}

fn members() -> QualifiedName {
    QualifiedName::new("public", "member")
}

fn base() -> Schema {
    let table = |source: &str, columns: &[&str]| {
        let mut table = Table::new(source);
        let columns = columns.iter().map(|name| Column::new(*name, Type::Int4));
        table.columns.extend(columns);
        table
    };
    let mut schema = Schema::default();
    schema
        .tables
        .insert(orders(), table("shop::Order", &["id", "a", "b"]));
    schema
        .tables
        .insert(members(), table("shop::Member", &["id", "m", "b"]));
    schema
}

fn over(sql: &str, tables: &[&str]) -> Expr {
    let own = ["a"].into_iter().filter(|_| tables.is_empty());
    let mut expr = Expr::new(sql, own);
    expr.tables = tables
        .iter()
        .map(|table| table.parse().expect("a table"))
        .collect();
    expr
}

fn policy(table: &mut Table, using: Expr) {
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: true,
        roles: BTreeSet::from(["app".into()]),
        using: Some(using),
        check: None,
    };
    table.rls = Rls::Enabled(BTreeMap::from([("new".into(), policy)]));
}

type Add = fn(&mut Table);

/// What the one branch adds to the orders, and what the refusal calls it: all of it reads `a`.
const READERS: &[(&str, Add)] = &[
    ("the primary key", |table| {
        table.primary_key = Some(PrimaryKey {
            name: "new".into(),
            columns: vec!["a".into()],
            ..PrimaryKey::default()
        });
    }),
    ("unique constraint `new`", |table| {
        let unique = Unique {
            columns: vec!["a".into()],
            ..Unique::default()
        };
        table.uniques.insert("new".into(), unique);
    }),
    ("foreign key `new`", |table| {
        let key = ForeignKey::new(["a"], members(), ["id"]);
        table.foreign_keys.insert("new".into(), key);
    }),
    ("check `new`", |table| {
        let check = Check::new(over("a > 0", &[]));
        table.checks.insert("new".into(), check);
    }),
    ("index `new`", |table| {
        let index = Index::new([IndexColumn::new("a")]);
        table.indexes.insert("new".into(), index);
    }),
    ("index `new`", |table| {
        let mut column = IndexColumn::new("b");
        column.key = IndexKey::Expression(over("abs(a)", &[]));
        table.indexes.insert("new".into(), Index::new([column]));
    }),
    ("index `new`", |table| {
        let mut index = Index::new([IndexColumn::new("b")]);
        index.predicate = Some(over("a > 0", &[]));
        table.indexes.insert("new".into(), index);
    }),
    ("index `new`", |table| {
        let mut index = Index::new([IndexColumn::new("b")]);
        index.include.push("a".into());
        table.indexes.insert("new".into(), index);
    }),
    ("exclusion constraint `new`", |table| {
        let exclusion = Exclusion {
            method: "gist".into(),
            elements: vec![ExclusionElement {
                column: IndexColumn::new("b"),
                operator: "=".into(),
            }],
            predicate: Some(over("a > 0", &[])),
            deferrable: Default::default(),
        };
        table.exclusions.insert("new".into(), exclusion);
    }),
    ("the partition key", |table| {
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::Hash,
            columns: vec!["a".into()],
        });
    }),
    ("policy `new`", |table| policy(table, over("a > 0", &[]))),
    ("generated column `new`", |table| {
        let mut column = Column::new("new", Type::Int4);
        column.computed = Some(over("a * 2", &[]));
        table.columns.push(column);
    }),
    ("the grant to role `app` to insert some columns", |table| {
        let columns = BTreeSet::from(["a".to_owned()]);
        let commands = BTreeMap::from([(Command::Insert, columns)]);
        table.column_grants.insert("app".into(), commands);
    }),
];

/// Policies of the orders that read the members' `m`.
const MEMBERSHIPS: [&str; 3] = [
    "exists (select from public.member m where m.b = \"order\".b and m.m = 1)",
    "b in (select m from member)",
    "exists (select from public.member x where x.b = b and x.*::text > '')",
];

fn refused(changed: &Schema, hazard: &str, added: &Schema) -> Vec<String> {
    let base = after(&Lock::default(), "20260101000000", "base", &base(), "");
    let mut said = Vec::new();
    for [one, other] in [["01", "02"], ["02", "01"]] {
        let [one, other] = [one, other].map(|second| format!("202602010000{second}"));
        let changed = after(&base, &one, "changed", changed, hazard);
        let added = after(&base, &other, "added", added, "");
        for [first, second] in [[&changed, &added], [&added, &changed]] {
            let text = format!("{}{}", first.to_text(), second.to_text());
            let lock = Lock::merged(&text).unwrap();
            let schemas = lock.schemas(&text).unwrap();
            let error = lock.refuse_unread(&schemas).err();
            let error = error.map_or_else(String::new, |error| error.to_string());
            let error = error
                .replace(&format!("{one}_"), "")
                .replace(&format!("{other}_"), "");
            said.push(error);
        }
    }
    said
}

#[test]
fn what_one_branch_made_to_read_a_column_that_the_other_changed_is_told() {
    for (what, add) in READERS {
        let mut added = base();
        add(added.tables.get_mut(&orders()).unwrap());
        told(what, &added, &orders(), "a");
    }
    for sql in MEMBERSHIPS {
        let mut added = base();
        let orders = added.tables.get_mut(&orders()).unwrap();
        policy(orders, over(sql, &["public.member", "member"]));
        told("policy `new`", &added, &members(), "m");
    }
}

fn told(what: &str, added: &Schema, table: &QualifiedName, column: &str) {
    let changed = |change: fn(&mut Column)| {
        let mut schema = base();
        let table = schema.tables.get_mut(table).unwrap();
        change(
            table
                .columns
                .iter_mut()
                .find(|it| it.name == column)
                .unwrap(),
        );
        schema
    };
    let mut dropped = base();
    let without = dropped.tables.get_mut(table).unwrap();
    without.columns.retain(|it| it.name != column);
    let renamed = changed(|column| column.name = "q".into());
    let typed = changed(|column| column.ty = Type::Text);
    let hazard = format!("removes: column {table}.{column}: renamed to q");
    for (schema, hazard, fate) in [
        (dropped, "", "was dropped"),
        (renamed, &*hazard, "was renamed to `q`"),
        (typed, "", "got the type `text`"),
    ] {
        for said in refused(&schema, hazard, added) {
            assert_eq!(
                said,
                format!(
                    "the branches do not fit together: {what} of table `public.\"order\"`, as `added.sql` has \
                     it, reads column `{table}.{column}`, which {fate} by `changed.sql` of the other branch; \
                     {WAY_OUT}"
                )
            );
        }
    }
}

#[test]
fn a_table_that_a_policy_reads_and_a_column_that_is_generated_now_are_told() {
    let mut added = base();
    let order = added.tables.get_mut(&orders()).unwrap();
    policy(order, over(MEMBERSHIPS[0], &["public.member"]));
    let mut dropped = base();
    dropped.tables.remove(&members());
    for said in refused(&dropped, "", &added) {
        let read = "reads table `public.member`, which was dropped by `changed.sql` of the other";
        assert!(said.contains(read), "{said}");
    }
    let mut added = base();
    READERS[11].1(added.tables.get_mut(&orders()).unwrap());
    let mut generated = base();
    let order = generated.tables.get_mut(&orders()).unwrap();
    order.columns[1].computed = Some(Expr::new("b", ["b"]));
    for said in refused(&generated, "", &added) {
        assert!(
            said.contains("which became a generated column by `changed.sql`"),
            "{said}"
        );
    }
}

#[test]
fn a_foreign_key_to_a_table_or_a_column_that_is_gone_is_told_with_what_became_of_it() {
    let mut added = base();
    let mut order = added.tables.remove(&orders()).unwrap();
    let key = ForeignKey::new(["a"], members(), ["m"]);
    order.foreign_keys.insert("new".into(), key);
    // It is on a table that the other branch never saw.
    let extras = QualifiedName::new("public", "extras");
    added
        .tables
        .insert(orders(), base().tables[&orders()].clone());
    added.tables.insert(extras, order);
    let changed = |table: Option<&str>, column: Option<&str>| {
        let mut schema = base();
        let mut it = schema.tables.remove(&members()).unwrap();
        match column {
            Some(column) => it.columns[1].name = column.into(),
            None => drop(it.columns.remove(1)),
        }
        let table = table.map(|table| QualifiedName::new("public", table));
        schema.tables.extend(table.map(|table| (table, it)));
        schema
    };
    for (schema, hazard, fate) in [
        (
            changed(Some("people"), Some("m")),
            "removes: table public.member: renamed to public.people",
            "table `public.member`, which was renamed to `public.people`",
        ),
        (
            changed(None, None),
            "",
            "table `public.member`, which was dropped",
        ),
        (
            changed(Some("member"), Some("q")),
            "removes: column public.member.m: renamed to q",
            "column `public.member.m`, which was renamed to `q`",
        ),
        (
            changed(Some("member"), None),
            "",
            "column `public.member.m`, which was dropped",
        ),
    ] {
        for said in refused(&schema, hazard, &added) {
            assert_eq!(
                said,
                format!(
                    "the branches do not fit together: foreign key `new` of table `public.extras`, as `added.sql` \
                     has it, references {fate} by `changed.sql` of the other branch; {WAY_OUT}"
                )
            );
        }
    }
    // Whether another type fits is for the whole schema to say.
    let mut typed = base();
    typed.tables.get_mut(&members()).unwrap().columns[1].ty = Type::Int8;
    assert_eq!(refused(&typed, "", &added), [""; 4]);
}

#[test]
fn what_reads_another_column_or_was_there_before_is_no_matter() {
    let mut added = base();
    let order = added.tables.get_mut(&orders()).unwrap();
    let check = Check::new(Expr::new("b > 0", ["b"]));
    order.checks.insert("new".into(), check);
    policy(order, over(MEMBERSHIPS[0], &["public.member"]));
    let mut dropped = base();
    dropped.tables.get_mut(&orders()).unwrap().columns.remove(1);
    dropped
        .tables
        .get_mut(&members())
        .unwrap()
        .columns
        .remove(0);
    assert_eq!(refused(&dropped, "", &added), [""; 4]);
}
