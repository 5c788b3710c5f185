use super::super::verify;
use super::named;
use crate::schema::{
    Column, Deferrable, Exclusion, ExclusionElement, Extension, Index, IndexColumn, PartitionBy,
    PartitionStrategy, Schema, Table, Type,
};

/// What is wrong with a table `t` whose column `c` is of that type, once it is changed.
fn found(ty: &str, extension: Option<&str>, change: impl FnOnce(&mut Table)) -> Vec<String> {
    let mut table = Table::new("shop::T");
    let ty: Type = ty.parse().expect("a type");
    table.columns = vec![Column::new("c", ty)];
    change(&mut table);
    let mut schema = Schema::default();
    schema.tables.insert(named("t"), table);
    let extension = extension.map(|name| (name.to_owned(), Extension::default()));
    schema.extensions.extend(extension);
    let findings = verify(&schema).into_iter();
    findings.map(|finding| finding.message).collect()
}

fn indexed(method: &str, ty: &str, extension: Option<&str>) -> Vec<String> {
    found(ty, extension, |table| {
        let index = Index {
            method: method.to_owned(),
            ..Index::new([IndexColumn::new("c")])
        };
        table.indexes.insert("i".into(), index);
    })
}

fn excluded(method: &str, ty: &str, operator: &str) -> Vec<String> {
    found(ty, Some("btree_gist"), |table| {
        let element = ExclusionElement {
            column: IndexColumn::new("c"),
            operator: operator.to_owned(),
        };
        let exclusion = Exclusion {
            method: method.to_owned(),
            elements: vec![element],
            predicate: None,
            deferrable: Deferrable::Not,
        };
        table.exclusions.insert("e".into(), exclusion);
    })
}

#[test]
fn a_method_without_a_class_for_a_type() {
    for (method, ty) in [
        ("spgist", "integer"),
        ("spgist", "char(3)"),
        ("brin", "boolean"),
        ("brin", "jsonb"),
        ("brin", "integer[]"),
        ("hash", "json"),
        ("hash", "point"),
        ("hash", "tsvector"),
        ("gin", "json"),
        ("gin", "int4range"),
        ("gist", "json"),
        ("gist", "jsonb"),
    ] {
        assert_eq!(
            indexed(method, ty, None),
            [format!(
                "index `i` on table `t` is `{method}`, which has no operator class for column `c`, a `{ty}`; take \
                 another access method, or name a class with `opclass(\"...\")`"
            )]
        );
    }
    for (method, ty, extension) in [
        ("gin", "integer", "btree_gin"),
        ("gin", "name", "btree_gin"),
        ("gist", "cidr", "btree_gist"),
        ("gist", "bpchar", "btree_gist"),
        ("gist", "regclass", "btree_gist"),
    ] {
        let said = indexed(method, ty, None);
        assert!(
            said[0].contains(&format!("add `.extension(\"{extension}\")`")),
            "{said:?}"
        );
        assert_eq!(indexed(method, ty, Some(extension)), [""; 0]);
    }
    assert_eq!(indexed("bloom", "date", Some("bloom")).len(), 1);
    assert_eq!(indexed("gist", "integer[]", Some("intarray")), [""; 0]);
    for (method, ty) in [
        ("spgist", "varchar(3)"),
        ("spgist", "cidr"),
        ("brin", "uuid"),
        ("brin", "tstzrange"),
        ("hash", "jsonb"),
        ("hash", "xid"),
        ("hash", "regclass"),
        ("hash", "json[]"),
        ("gin", "tsvector"),
        ("gist", "nummultirange"),
        ("gin", "oidvector"),
        ("spgist", "own"),
        ("gist", "own[]"),
    ] {
        assert_eq!(indexed(method, ty, None), [""; 0], "{method} {ty}");
    }
}

#[test]
fn a_partition_key_without_a_hash() {
    let by_hash = |ty| {
        found(ty, None, |table| {
            table.partition_by = Some(PartitionBy {
                strategy: PartitionStrategy::Hash,
                columns: vec!["c".into()],
            });
        })
    };
    for ty in ["bit(3)", "money", "json"] {
        assert_eq!(
            by_hash(ty),
            [format!(
                "table `t` is partitioned by hash, and PostgreSQL has no hash of column `c`, a `{ty}`; partition it \
                 by another column, or by range or list"
            )]
        );
    }
    assert_eq!(by_hash("xid"), [""; 0]);
    assert_eq!(by_hash("bytea"), [""; 0]);
}

#[test]
fn an_operator_that_the_method_lacks_for_a_type() {
    assert_eq!(
        excluded("gist", "integer", "&&"),
        [
            "exclusion constraint `e` on table `t` compares column `c`, which is `integer`, with `&&`, which `gist` does not \
             do; use `=` or `<>`"
        ]
    );
    assert_eq!(excluded("gist", "int4range", "!=").len(), 1);
    assert_eq!(excluded("spgist", "text", "<>").len(), 1);
    for (method, ty, operator) in [
        ("gist", "text", "!="),
        ("gist", "boolean", "="),
        ("gist", "int4range", "&&"),
        ("spgist", "tstzrange", "-|-"),
        ("spgist", "text", "="),
        ("gist", "box", "~="),
        ("gist", "own", "&&"),
        ("gist", "interval(3)", "="),
        ("gist", "numeric(5,-2)", "<>"),
    ] {
        assert_eq!(
            excluded(method, ty, operator),
            [""; 0],
            "{method} {ty} {operator}"
        );
    }
}
