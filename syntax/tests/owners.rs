//! Partitions, and tables of someone else: what is wrong with them.

mod common;

use tabellion_sql::schema::Platform;

/// What is wrong with a table of these attributes.
fn mistakes(attributes: &str) -> Vec<String> {
    let source = format!(
        "#[derive(Table)] #[policy(deny_all)] {attributes} struct Event {{
            id: i64, region: Option<String>, day: Date, #[column(generated = sql(\"id * 2\"))] twice: i64,
        }}"
    );
    let found = common::sql(&source, Platform::Postgres);
    let lines = found.err().unwrap_or_default();
    lines.lines().map(str::to_owned).collect()
}

#[test]
fn what_postgresql_refuses_of_a_partition_key() {
    for (attributes, message) in [
        (
            "#[partition_by(range(day))] #[primary_key(columns(id))]",
            "the primary key of table `event` lacks column `day`, by which the table is partitioned; add it \
             there",
        ),
        (
            "#[partition_by(range(day))] #[unique(columns(id))]",
            "unique constraint `event_id_key` of table `event` lacks column `day`, by which the table is \
             partitioned; add it there",
        ),
        (
            "#[partition_by(range(day))] #[index(columns(id), unique)]",
            "unique index `event_id_idx` of table `event` lacks column `day`, by which the table is \
             partitioned; add it there",
        ),
        (
            "#[partition_by(list(region, id))]",
            "a list of values is of one column; use `range` or `hash`, or remove this one",
        ),
        (
            "#[partition_by(hash(twice))]",
            "column `twice` is generated, and a row finds its partition before it is; use another column",
        ),
        (
            "#[partition_by(range(dya))]",
            "no column `dya` on table `event`; a column with a similar name exists: `day`",
        ),
        (
            "#[partition_by(modulo(id))]",
            "no way `modulo` to partition a table; write `range(field)`, `list(field)` or `hash(field)`",
        ),
        (
            "#[partition_by(range(id), hash(id))]",
            "`#[partition_by]` takes one strategy; write `range(field)`, `list(field)` or `hash(field)`",
        ),
        (
            "#[partition_by(range(id))] #[partition_by(range(id))]",
            "`#[partition_by]` is given twice; keep one",
        ),
        (
            "#[partition(name = \"p\", default)]",
            "table `event` is not partitioned; add `#[partition_by(...)]`",
        ),
        (
            "#[partition_by(range(id))] #[exclude(elements(id with \"=\"))]",
            "table `event` is partitioned by range, and PostgreSQL before 17 has no exclusion constraint \
             there; remove one of the two",
        ),
    ] {
        assert_eq!(mistakes(attributes), [message], "{attributes}");
    }
}

#[test]
fn what_postgresql_refuses_of_a_partition() {
    for (by, parts, message) in [
        (
            "range(id)",
            &["default"][..],
            "a partition needs a name; write `name = \"...\"`",
        ),
        (
            "range(id)",
            &["name = \"p\""],
            "a partition says once which rows it holds; write `from(...), to(...)`, `values(...)`, \
             `hash(modulus = 4, remainder = 0)` or `default`",
        ),
        (
            "range(id)",
            &["name = \"p\", from(1)"],
            "a partition says once which rows it holds; write `from(...), to(...)`, `values(...)`, \
             `hash(modulus = 4, remainder = 0)` or `default`",
        ),
        (
            "range(id)",
            &["name = \"p\", values(1)"],
            "partition `p` does not fit a table partitioned by range; write `from(...), to(...)`",
        ),
        (
            "range(id)",
            &["name = \"p\", from(1, 2), to(3)"],
            "partition `p` has 2 value(s) in `from`, and the partition key has 1 column(s); write one for each",
        ),
        (
            "range(id)",
            &["name = \"p\", from(3), to(3)"],
            "partition `p` ends where it begins or before, so that it holds no row; exchange `from` and `to`, \
             or change one",
        ),
        (
            "range(day)",
            &["name = \"p\", from(\"2027-01-01\"), to(\"2026-01-01\")"],
            "partition `p` ends where it begins or before, so that it holds no row; exchange `from` and `to`, \
             or change one",
        ),
        (
            "range(day)",
            &["name = \"p\", from(2026), to(maxvalue)"],
            "the bound does not fit column `day`, which is `date`; use a value of its type",
        ),
        (
            "range(id)",
            &["name = \"p\", from(null), to(3)"],
            "a range holds no NULL; keep a default partition for it",
        ),
        (
            "range(id)",
            &["name = \"p\", from(now()), to(3)"],
            "a partition's bound is a literal, `minvalue` or `maxvalue`, and found `now()`; write one of them",
        ),
        (
            "range(id, day)",
            &["name = \"p\", from(minvalue, \"2026-01-01\"), to(3, \"2026-01-01\")"],
            "what stands behind `minvalue` plays no part; write `minvalue` for it too",
        ),
        (
            "range(id)",
            &[
                "name = \"p\", from(1), to(5)",
                "name = \"q\", from(4), to(9)",
            ],
            "partitions `p` and `q` overlap; begin one where the other ends",
        ),
        (
            "range(id)",
            &["name = \"p\", default", "name = \"q\", default"],
            "partitions `p` and `q` are both the default; keep one",
        ),
        (
            "range(id)",
            &["name = \"p\", default", "name = \"p\", from(1), to(2)"],
            "table `event` has two partitions named `p`; rename one",
        ),
        (
            "range(id)",
            &["name = \"event\", default"],
            "partition `event` on table `event` has the name of its table; give it another",
        ),
        (
            "list(region)",
            &[
                "name = \"p\", values(\"eu\")",
                "name = \"q\", values(\"us\", \"eu\")",
            ],
            "partitions `p` and `q` both hold \"eu\"; remove it from one",
        ),
        (
            "list(region)",
            &["name = \"p\", values(\"eu\", \"eu\")"],
            "\"eu\" stands twice in partition `p`; remove one",
        ),
        (
            "list(region)",
            &["name = \"p\", values(maxvalue)"],
            "a list holds values, not ends; write each value, or use `default`",
        ),
        (
            "hash(id)",
            &["name = \"p\", default"],
            "hashes leave no rest, so there is no default among them; remove it",
        ),
        (
            "hash(id)",
            &["name = \"p\", hash(modulus = 4, remainder = 4)"],
            "no hash leaves the remainder 4 of 4; use one below the modulus",
        ),
        (
            "hash(id)",
            &["name = \"p\", hash(modulus = 0, remainder = 0)"],
            "the modulus of partition `p` is 0; use at least 1",
        ),
        (
            "hash(id)",
            &["name = \"p\", hash(4, 0)"],
            "`hash` takes a modulus and a remainder; write `hash(modulus = 4, remainder = 0)`",
        ),
        (
            "hash(id)",
            &[
                "name = \"p\", hash(modulus = 4, remainder = 1)",
                "name = \"q\", hash(modulus = 6, remainder = 0)",
            ],
            "6 is no multiple of 4, the modulus of another partition; use one modulus for all, or multiples",
        ),
        (
            "hash(id)",
            &[
                "name = \"p\", hash(modulus = 2, remainder = 1)",
                "name = \"q\", hash(modulus = 4, remainder = 3)",
            ],
            "partitions `p` and `q` hold the same hashes; use another remainder",
        ),
        (
            "list(id)",
            &["name = \"p\", values(1), renamed_from = \"p\""],
            "`renamed_from` names partition `p` itself; remove it",
        ),
        (
            "list(id)",
            &[
                "name = \"p\", values(1), renamed_from = \"q\"",
                "name = \"q\", values(2)",
            ],
            "`renamed_from` on partition `p` names `q`, which the table still has; remove it, or rename in one \
             migration after another, first what has that name now; of two that exchange their names one takes a third \
             name first and its own last",
        ),
        (
            "list(id)",
            &[
                "name = \"p\", values(1), renamed_from = \"o\"",
                "name = \"q\", values(2), renamed_from = \"o\"",
            ],
            "partitions `p` and `q` both come from `o`; keep one",
        ),
    ] {
        let parts: String = parts
            .iter()
            .map(|part| format!("#[partition({part})]"))
            .collect();
        let attributes = format!("#[partition_by({by})] {parts}");
        assert_eq!(mistakes(&attributes), [message], "{attributes}");
    }
}

#[test]
fn partitions_that_only_touch_are_right() {
    for attributes in [
        "#[partition_by(range(id))] #[partition(name = \"p\", from(minvalue), to(5))] \
         #[partition(name = \"q\", from(5), to(maxvalue))]",
        "#[partition_by(range(id, day))] #[partition(name = \"p\", from(1, minvalue), to(1, \"2026-01-01\"))] \
         #[partition(name = \"q\", from(1, \"2026-01-01\"), to(2, minvalue))]",
        "#[partition_by(hash(id))] #[partition(name = \"p\", hash(modulus = 2, remainder = 1))] \
         #[partition(name = \"q\", hash(modulus = 4, remainder = 2))]",
        "#[partition_by(list(region))] #[partition(name = \"p\", values(\"eu\"))] \
         #[partition(name = \"q\", values(\"us\", null))] #[partition(name = \"r\", default)]",
    ] {
        assert_eq!(mistakes(attributes), [""; 0], "{attributes}");
    }
}

#[test]
fn of_a_table_of_someone_else_nothing_is_made() {
    let source = r#"
        #[derive(Table)]
        #[table(external, schema = "auth", scope = Shop, renamed_from = "persons")]
        #[index(columns(id))]
        #[no_rls(reason = "theirs")]
        struct User {
            #[column(primary_key, identity)]
            id: i64,
            #[column(default = "a", references = User::id)]
            name: String,
        }
    "#;
    let found = common::sql(source, Platform::Postgres).unwrap_err();
    let lines: Vec<&str> = found.lines().collect();
    for message in [
        "table `user` is external, so nothing is made for it; remove `#[index]`",
        "table `user` is external, so nothing is made for it; remove `#[no_rls]`",
        "table `user` is external, so no query reads it; remove `scope`",
        "table `user` is external, so it is never renamed here; remove `renamed_from`",
        "column `id` belongs to an external table, of which only names, types and keys matter; remove \
         `identity`",
        "column `name` belongs to an external table, of which only names, types and keys matter; remove \
         `default`",
        "column `name` belongs to an external table, of which only names, types and keys matter; remove \
         `references`",
    ] {
        assert!(lines.contains(&message), "{message}\n{found}");
    }
    assert_eq!(lines.len(), 7, "{found}");
}

#[test]
fn an_earlier_name_of_a_table_leaves_one_reading() {
    let mistakes = |header: &str| {
        let source = format!(
            "#[derive(Table)] #[policy(deny_all)] #[table({header})] struct Task {{ id: i64 }}"
        );
        let found = common::sql(&source, Platform::Postgres);
        found.err().unwrap_or_default()
    };
    for (header, message) in [
        ("renamed_from = \"job\"", ""),
        ("replaces = \"old.task\"", ""),
        (
            "renamed_from = \"task\"",
            "`renamed_from` names table `task` itself; remove it",
        ),
        (
            "replaces = \"public.task\"",
            "`replaces` names table `task` itself; remove it",
        ),
        (
            "renamed_from = \"\"",
            "the earlier table's name is empty; give it one",
        ),
        (
            "renamed_from = \"job\", replaces = \"chore\"",
            "table `task` either had another name or takes another's place; keep `renamed_from` or `replaces`",
        ),
    ] {
        assert_eq!(mistakes(header), message, "{header}");
    }
}
