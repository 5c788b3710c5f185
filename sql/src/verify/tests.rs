mod classes;
mod policies;

use super::verify;
use crate::schema::{
    Check, Column, Deferrable, Exclusion, ExclusionElement, Expr, Extension, External, ForeignKey,
    Index, IndexColumn, Partition, PartitionBy, PartitionStrategy, PrimaryKey, QualifiedName,
    Schema, Table, Type, Unique,
};

fn named(name: &str) -> QualifiedName {
    QualifiedName::new("public", name)
}

/// Users and their posts, with nothing wrong.
fn sample() -> Schema {
    let mut user = Table::new("shop::User");
    user.columns = vec![
        Column::new("id", Type::Int8),
        Column::new("tags", Type::Text),
    ];
    user.primary_key = Some(PrimaryKey {
        name: "user_pkey".into(),
        columns: vec!["id".into()],
        ..PrimaryKey::default()
    });
    let mut post = Table::new("shop::Post");
    post.columns = vec![Column::new("author_id", Type::Int8)];
    post.foreign_keys.insert(
        "post_author_id_fkey".into(),
        ForeignKey::new(["author_id"], named("user"), ["id"]),
    );
    let mut schema = Schema::default();
    schema.tables.insert(named("user"), user);
    schema.tables.insert(named("post"), post);
    schema
}

/// What is wrong with the sample once it is changed.
fn found(change: impl FnOnce(&mut Schema)) -> Vec<String> {
    let mut schema = sample();
    change(&mut schema);
    let findings = verify(&schema).into_iter();
    findings.map(|finding| finding.message).collect()
}

fn table<'a>(schema: &'a mut Schema, name: &str) -> &'a mut Table {
    schema.tables.get_mut(&named(name)).expect("a table")
}

#[test]
fn a_schema_with_nothing_wrong() {
    assert_eq!(found(|_| {}), [""; 0]);
}

#[test]
fn a_foreign_key_fits_what_it_references() {
    let types = found(|schema| table(schema, "post").columns[0].ty = Type::Int4);
    assert_eq!(
        types,
        [
            "column `post.author_id` is `int4` but references `user.id`, which is `int8`; change one of the \
             fields to the other's type"
        ]
    );
    let missing = found(|schema| {
        let keys = &mut table(schema, "post").foreign_keys;
        keys.values_mut()
            .for_each(|key| key.references = vec!["nr".into()]);
    });
    assert_eq!(
        missing,
        [
            "no column `nr` on table `user`, which `post.author_id` references; add it there, or name another"
        ]
    );
    let unique = found(|schema| table(schema, "user").primary_key = None);
    assert!(
        unique[0].contains("`user(id)`, which is not unique; "),
        "{unique:?}"
    );
    let deferrable = found(|schema| {
        let key = table(schema, "user").primary_key.as_mut().expect("a key");
        key.deferrable = Deferrable::Deferred;
    });
    assert!(
        deferrable[0].contains("end of a transaction; remove `deferrable`"),
        "{deferrable:?}"
    );
    let gone = found(|schema| {
        schema.tables.remove(&named("user"));
    });
    assert!(gone[0].contains("which no struct declares"), "{gone:?}");
}

#[test]
fn a_foreign_key_to_a_table_of_someone_else() {
    let external = |schema: &mut Schema, keys: &[&str]| {
        schema.tables.remove(&named("user"));
        let keys = keys.iter().map(|key| vec![(*key).to_owned()]);
        schema.externals.insert(
            named("user"),
            External {
                source: "shop::User".into(),
                columns: vec![Column::new("id", Type::Int8)],
                keys: keys.collect(),
            },
        );
    };
    assert_eq!(found(|schema| external(schema, &["id"])), [""; 0]);
    let open = found(|schema| external(schema, &[]));
    assert!(open[0].contains("which is not unique"), "{open:?}");
    let types = found(|schema| {
        external(schema, &["id"]);
        table(schema, "post").columns[0].ty = Type::Uuid;
    });
    assert!(types[0].contains("is `uuid` but references"), "{types:?}");
}

#[test]
fn the_indexes_of_partitions_are_relations_too() {
    let in_parts = |schema: &mut Schema| {
        let post = table(schema, "post");
        post.partitions.insert("p".into(), Partition::Default);
        post.indexes
            .insert("i".into(), Index::new([IndexColumn::new("author_id")]));
        post.uniques.insert("u".into(), Unique::default());
    };
    let taken = found(|schema| {
        in_parts(schema);
        let index = Index::new([IndexColumn::new("id")]);
        table(schema, "user")
            .indexes
            .insert("p_i_part".into(), index);
    });
    let said = "partition's index `p_i_part` on table `post` has the name of an index on table `user`; give \
                one of them another name";
    assert!(taken.iter().any(|it| it == said), "{taken:?}");
    let checked = found(|schema| {
        in_parts(schema);
        let check = Check::new(Expr::new("id > 0", ["id"]));
        table(schema, "post")
            .checks
            .insert("p_u_part".into(), check);
    });
    let said = "constraint `p_u_part` on table `post` has the name of a partition's key; give it another name";
    assert!(checked.iter().any(|it| it == said), "{checked:?}");
}

#[test]
fn a_foreign_key_into_a_partitioned_table_is_a_constraint_for_each_partition() {
    let said = found(|schema| {
        let partitions = &mut table(schema, "user").partitions;
        partitions.insert("p".into(), Partition::Default);
        let key = ForeignKey::new(["author_id"], named("user"), ["id"]);
        let check = Check::new(Expr::new("id > 0", ["id"]));
        let post = table(schema, "post");
        post.foreign_keys.insert("k".into(), key);
        post.checks.insert("p_k_part".into(), check);
    });
    let clash = "constraint `p_k_part` on table `post` has the name of the part that foreign key `k` has for \
                 partition `p`; give it another name";
    assert!(said.iter().any(|it| it == clash), "{said:?}");
}

#[test]
fn partitions_and_exclusion_constraints_are_relations_too() {
    let partition = found(|schema| {
        let partitions = &mut table(schema, "post").partitions;
        partitions.insert("user".into(), Partition::Default);
    });
    assert_eq!(
        partition,
        [
            "partition `user` on table `post` has the name of a table on table `user`; give one of them \
             another name"
        ]
    );
    let exclusion = found(|schema| {
        let exclusion = Exclusion {
            method: "btree".into(),
            elements: vec![ExclusionElement {
                column: IndexColumn::new("author_id"),
                operator: "=".into(),
            }],
            predicate: None,
            deferrable: Deferrable::Not,
        };
        let exclusions = &mut table(schema, "post").exclusions;
        exclusions.insert("user_pkey".into(), exclusion);
    });
    assert_eq!(exclusion.len(), 1, "{exclusion:?}");
}

#[test]
fn an_index_over_a_column_that_is_not_there() {
    let absent = found(|schema| {
        let indexes = &mut table(schema, "post").indexes;
        indexes.insert("i".into(), Index::new([IndexColumn::new("nr")]));
    });
    assert_eq!(
        absent,
        ["no column `nr` on table `post`, which index `i` names; add it, or name another"]
    );
}

#[test]
fn what_only_an_extension_has() {
    let gin = |schema: &mut Schema| {
        let index = Index {
            method: "gin".into(),
            ..Index::new([IndexColumn::new("tags")])
        };
        table(schema, "user").indexes.insert("i".into(), index);
    };
    let class = found(gin);
    assert!(
        class[0].contains("add `.extension(\"btree_gin\")`"),
        "{class:?}"
    );
    let extension = |schema: &mut Schema, name: &str| {
        schema.extensions.insert(name.into(), Extension::default());
    };
    let with = found(|schema| {
        gin(schema);
        extension(schema, "btree_gin");
    });
    assert_eq!(with, [""; 0]);
    let citext = |schema: &mut Schema| {
        let ty = Type::Array(Box::new(Type::Named("citext".into())));
        table(schema, "user").columns[1].ty = ty;
    };
    let ty = found(citext);
    assert!(ty[0].contains("add `.extension(\"citext\")`"), "{ty:?}");
    let with = found(|schema| {
        citext(schema);
        extension(schema, "citext");
    });
    assert_eq!(with, [""; 0]);
}

#[test]
fn a_method_and_a_class_of_an_extension() {
    let index = |method: &str, class: &str| {
        let column = IndexColumn {
            opclass: Some(class.to_owned()),
            ..IndexColumn::new("tags")
        };
        Index {
            method: method.to_owned(),
            ..Index::new([column])
        }
    };
    let with = |index: &Index, extension: Option<&str>| {
        found(|schema| {
            let indexes = &mut table(schema, "user").indexes;
            indexes.insert("i".into(), index.clone());
            let extension = extension.map(|name| (name.to_owned(), Extension::default()));
            schema.extensions.extend(extension);
        })
    };
    for (method, class, extension, said) in [
        ("hnsw", "vector_l2_ops", "vector", "is `hnsw`, which"),
        ("ivfflat", "my_ops", "vector", "is `ivfflat`, which"),
        ("bloom", "my_ops", "bloom", "is `bloom`, which"),
        (
            "gin",
            "gin_trgm_ops",
            "pg_trgm",
            "has the operator class `gin_trgm_ops`, which",
        ),
        (
            "gist",
            "\"extensions\".gist_trgm_ops(siglen = 32)",
            "pg_trgm",
            "has the operator class `gist_trgm_ops`, which",
        ),
    ] {
        let index = index(method, class);
        let messages = with(&index, None);
        let [message] = messages.as_slice() else {
            panic!("{messages:?}");
        };
        assert!(message.contains(said), "{message}");
        assert!(
            message.contains(&format!("`.extension(\"{extension}\")`")),
            "{message}"
        );
        assert_eq!(with(&index, Some(extension)), [""; 0]);
    }
    assert_eq!(with(&index("btree", "text_pattern_ops"), None), [""; 0]);
}

#[test]
fn an_operator_class_that_is_not_for_the_column() {
    let said = |method: &str, class: &str, extension: Option<&str>| {
        found(|schema| {
            let column = IndexColumn {
                opclass: Some(class.to_owned()),
                ..IndexColumn::new("id")
            };
            let index = Index {
                method: method.to_owned(),
                ..Index::new([column])
            };
            table(schema, "user").indexes.insert("i".into(), index);
            let extension = extension.map(|name| (name.to_owned(), Extension::default()));
            schema.extensions.extend(extension);
        })
    };
    let message = |class: &str, method: &str, remedy: &str| {
        vec![format!(
            "index `i` on table `user` has the operator class `{class}`, which `{method}` does not have for \
             column `id`, a `bigint`; {remedy}"
        )]
    };
    let such = "name one that it has, such as `int8_ops`, or leave it out";
    assert_eq!(
        said("btree", "pg_catalog.text_pattern_ops", None),
        message("text_pattern_ops", "btree", such)
    );
    let other = "take another access method";
    assert_eq!(
        said("gin", "int8_ops", None)[0],
        message("int8_ops", "gin", other)[0]
    );
    assert_eq!(said("gin", "int8_ops", Some("btree_gin")), [""; 0]);
    for class in ["int8_ops", "my_ops", "mine.text_ops"] {
        assert_eq!(said("btree", class, None), [""; 0], "{class}");
    }
}

#[test]
fn an_operator_that_nobody_has() {
    let found = |operator: &str, class: Option<&str>, extension: Option<&str>| {
        found(|schema| {
            let column = IndexColumn {
                opclass: class.map(str::to_owned),
                ..IndexColumn::new("id")
            };
            let exclusion = Exclusion {
                method: "gist".into(),
                elements: vec![ExclusionElement {
                    column,
                    operator: operator.into(),
                }],
                predicate: None,
                deferrable: Deferrable::Not,
            };
            let user = table(schema, "user");
            user.columns[0].ty = Type::Named("own".into());
            user.primary_key = None;
            user.exclusions.insert("e".into(), exclusion);
            table(schema, "post").foreign_keys.clear();
            let extension = extension.map(|name| (name.to_owned(), Extension::default()));
            schema.extensions.extend(extension);
        })
    };
    let operator =
        |messages: Vec<String>| messages.iter().any(|text| text.contains("compares with"));
    assert!(operator(found("<=>", None, None)));
    assert!(!operator(found("&&", None, None)));
    assert!(!operator(found("!=", None, None)));
    assert!(!operator(found("<=>", None, Some("vector"))));
    assert!(!operator(found("<=>", Some("my_ops"), None)));
}

#[test]
fn no_constraint_has_a_name_that_the_server_makes_up() {
    let with = |other: &str, is_partitioned: bool| {
        found(|schema| {
            let key = table(schema, "post").foreign_keys["post_author_id_fkey"].clone();
            let keys = &mut table(schema, "post").foreign_keys;
            keys.insert(other.to_owned(), key);
            if is_partitioned {
                table(schema, "user").partition_by = Some(PartitionBy {
                    strategy: PartitionStrategy::Hash,
                    columns: vec!["id".into()],
                });
            }
        })
    };
    let said = "constraint `post_author_id_fkey1` on table `post` has a name that PostgreSQL makes up for foreign key \
                `post_author_id_fkey`, which references the partitioned table `user`; give it another name, and where a \
                database has it already rename it there too";
    assert_eq!(with("post_author_id_fkey1", true), [said]);
    assert_eq!(with("post_author_id_fkey1", false), [""; 0]);
    assert_eq!(with("post_writer", true).len(), 1);
    assert_eq!(with("post_author_fkey", true).len(), 1);
}
