//! What attackers of plans found, told from the text alone; the tests on a server are in `runtime/tests`.

use std::collections::{BTreeMap, BTreeSet};

mod access;
mod columns;
mod defaults;
mod memberships;
mod moves;
mod partitions;
mod readers;
mod replaced;

use super::*;
use crate::schema::{
    Check, Column, Command, Expr, ForeignKey, Generated, Index, IndexColumn, Partition,
    PartitionBy, PartitionStrategy, Platform, Policy, ReferentialAction, Renames, Rls, Role, Table,
    TableRenames, Type, Unique,
};

fn name() -> QualifiedName {
    QualifiedName::new("public", "notes")
}

fn schema(table: Table) -> Schema {
    Schema {
        tables: BTreeMap::from([(name(), table)]),
        ..Schema::default()
    }
}

fn notes() -> Table {
    Table {
        columns: vec![
            Column::new("shop", Type::Text),
            Column {
                nullable: true,
                ..Column::new("level", Type::Int4)
            },
        ],
        ..Table::new("shop::Note")
    }
}

fn pairs(from: &Table, to: &Table) -> Vec<Migration> {
    let (from, to) = (schema(from.clone()), schema(to.clone()));
    migrations(&from, &to, &Renames::default(), &Settings::default()).expect("no question")
}

fn hazards(from: &Table, to: &Table) -> Vec<String> {
    let pairs = pairs(from, to);
    let all = pairs.iter().flat_map(|pair| pair.up.hazards());
    all.map(|hazard| hazard.to_string()).collect()
}

#[test]
fn a_new_rule_for_rows_that_exist_is_told_once() {
    let mut ruled = notes();
    ruled.columns[1].nullable = false;
    ruled.checks.insert(
        "notes_level_check".into(),
        Check::new(Expr::new("level > 0", ["level"])),
    );
    ruled.uniques.insert(
        "notes_shop_key".into(),
        Unique {
            columns: vec!["shop".into()],
            ..Unique::default()
        },
    );
    let mut told = hazards(&notes(), &ruled);
    told.retain(|hazard| hazard.starts_with("restricts: "));
    told.sort();
    assert_eq!(
        told,
        [
            "restricts: column public.notes.level: no longer null",
            "restricts: constraint notes_level_check on public.notes: new",
            "restricts: constraint notes_shop_key on public.notes: new",
        ]
    );
}

#[test]
fn an_index_under_the_name_of_an_earlier_column_is_renamed() {
    let indexed = |names: &[(&str, &str)]| {
        let mut table = notes();
        for (name, column) in names {
            let index = Index::new([IndexColumn::new(*column)]);
            table.indexes.insert((*name).to_owned(), index);
        }
        table
    };
    let left = indexed(&[("notes_store_idx", "shop")]);
    let wanted = indexed(&[("notes_shop_idx", "shop")]);
    let only = pairs(&left, &wanted);
    assert_eq!(only.len(), 1);
    let renames = |from: &str, to: &str| format!("alter index public.{from} rename to {to};\n");
    assert!(
        only[0]
            .up
            .body()
            .ends_with(&renames("notes_store_idx", "notes_shop_idx"))
    );
    assert!(
        only[0]
            .down
            .body()
            .ends_with(&renames("notes_shop_idx", "notes_store_idx"))
    );
    assert_eq!(only[0].up.hazards(), []);

    // Beside one that is new, which has to be built.
    let more = indexed(&[("notes_shop_idx", "shop"), ("notes_level_idx", "level")]);
    let ups = pairs(&left, &more).into_iter().map(|pair| pair.up.body());
    let ups: String = ups.collect();
    assert!(
        ups.contains(&renames("notes_store_idx", "notes_shop_idx")),
        "{ups}"
    );
    assert!(!ups.contains("drop index"), "{ups}");
}

/// An index is made anew where it compares by what the column has: not for what it only carries.
#[test]
fn another_collation_scans_for_an_index_that_compares_by_it() {
    let scans = |index: &Index| {
        let with = |collation: Option<&str>| {
            let mut table = notes();
            table.columns[0].collation = collation.map(str::to_owned);
            table.indexes.insert("notes_idx".into(), index.clone());
            table
        };
        let told = hazards(&with(None), &with(Some("\"C\"")));
        told.contains(&"scans: public.notes".to_owned())
    };
    let by = |columns: &[&str]| Index::new(columns.iter().map(|name| IndexColumn::new(*name)));
    assert!(scans(&by(&["shop"])));
    assert!(!scans(&by(&["level"])));
    let mut carries = by(&["level"]);
    carries.include = vec!["shop".into()];
    assert!(!scans(&carries));
}

#[test]
fn a_rule_that_changes_under_its_name_is_told() {
    let check = |sql: &str| {
        let mut table = notes();
        let check = Check::new(Expr::new(sql, ["level"]));
        table.checks.insert("notes_level_check".into(), check);
        table
    };
    let told = hazards(&check("level >= 0"), &check("level >= -100"));
    let changed = "removes: constraint notes_level_check on public.notes: changed; the way back fails where rows break it"
        .to_owned();
    assert!(told.contains(&changed), "{told:?}");

    let key = |on_delete| {
        let mut table = notes();
        let key = ForeignKey {
            on_delete,
            ..ForeignKey::new(["shop"], QualifiedName::new("other", "shops"), ["id"])
        };
        table.foreign_keys.insert("notes_shop_fkey".into(), key);
        table
    };
    let told = hazards(
        &key(ReferentialAction::NoAction),
        &key(ReferentialAction::Cascade),
    );
    let changed = "removes: constraint notes_shop_fkey on public.notes: changed, on delete cascade; the way back fails where rows break it"
        .to_owned();
    assert!(told.contains(&changed), "{told:?}");
}

#[test]
fn a_generated_column_that_a_policy_reads_changes_access() {
    let table = |computed: &str| {
        let mut table = notes();
        table.columns.push(Column {
            nullable: true,
            computed: Some(Expr::new(computed, ["shop"])),
            ..Column::new("owner", Type::Text)
        });
        let using = Some(Expr::new("owner = current_setting('app.shop')", ["owner"]));
        let policy = Policy {
            command: Some(Command::Select),
            restrictive: false,
            roles: BTreeSet::from(["app".to_owned()]),
            using,
            check: None,
        };
        table.rls = Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)]));
        table
    };
    let told = hazards(&table("shop"), &table("lower(shop)"));
    let changed =
        "widens-access: policy see on public.notes: column public.notes.owner changes".to_owned();
    assert!(told.contains(&changed), "{told:?}");
}

#[test]
fn the_check_that_stands_in_for_not_null_takes_no_other_ones_name() {
    let mut before = notes();
    let own = Check::new(Expr::new("level > 5", ["level"]));
    before.checks.insert("notes_level_filled".into(), own);
    let mut after = before.clone();
    after.columns[1].nullable = false;
    let pairs = pairs(&before, &after);
    let first = pairs[0].up.body();
    assert!(
        first.contains("add constraint notes_level_filled1 check (level is not null) not valid"),
        "{first}"
    );
    assert!(!first.contains("drop constraint"), "{first}");
}

#[test]
fn a_partition_under_another_name_is_a_question() {
    let table = |partition: &str| {
        let mut table = notes();
        table.partition_by = Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["shop".into()],
        });
        let bound = Partition::List(vec!["'eu'".into()]);
        table.partitions.insert(partition.into(), bound);
        schema(table)
    };
    let questions = migrations(
        &table("notes_eu"),
        &table("notes_europe"),
        &Renames::default(),
        &Settings::default(),
    )
    .expect_err("a question");
    assert!(
        questions[0].message.contains("both have the same bounds"),
        "{questions:?}"
    );
}

#[test]
fn a_name_with_dollars_ends_no_body() {
    let mut table = notes();
    table.columns.push(Column {
        updated_at: true,
        default: Some("now()".into()),
        ..Column::new("at$$x", Type::Timestamptz(None))
    });
    let mut schema = schema(table);
    schema.roles.insert("we$$rd".into(), Role::Created);
    let body = plan(&Schema::default(), &schema).body();
    assert_eq!(body.matches("$q1$").count(), 4, "{body}");
    assert_eq!(
        crate::file::statements(&body).expect("whole").len(),
        plan(&Schema::default(), &schema).steps().count()
    );
}

#[test]
fn a_change_of_platform_closes_partitions_and_functions_too() {
    let mut table = notes();
    table.partition_by = Some(PartitionBy {
        strategy: PartitionStrategy::List,
        columns: vec!["shop".into()],
    });
    table
        .partitions
        .insert("notes_eu".into(), Partition::Default);
    table.columns[1] = Column {
        updated_at: true,
        ..Column::new("at", Type::Timestamptz(None))
    };
    let from = schema(table);
    let to = Schema {
        platform: Platform::Supabase,
        ..from.clone()
    };
    let body = plan(&from, &to).body();
    for closed in ["table public.notes_eu", "function public.touch_at()"] {
        let revoke = format!("revoke all on {closed} from public, anon, authenticated");
        assert!(body.contains(&revoke), "{body}");
    }
}

#[test]
fn values_that_are_no_longer_computed_are_lost_and_said_to_be() {
    let mut before = notes();
    before.columns.push(Column {
        nullable: true,
        computed: Some(Expr::new("level * 2", ["level"])),
        ..Column::new("total", Type::Int4)
    });
    let mut after = notes();
    after.columns.push(Column {
        default: Some("0".into()),
        ..Column::new("total", Type::Int4)
    });
    let told = hazards(&before, &after);
    let body: String = pairs(&before, &after)
        .iter()
        .map(|pair| pair.up.body())
        .collect();
    assert!(
        body.contains("drop expression") || told.iter().any(|one| one.starts_with("loses-data: ")),
        "{told:?}\n{body}"
    );
}

#[test]
fn another_kind_of_identity_keeps_its_numbers() {
    let numbered = |generated| {
        let mut table = notes();
        table.columns.push(Column {
            generated: Some(generated),
            ..Column::new("id", Type::Int8)
        });
        table
    };
    let pairs = pairs(
        &numbered(Generated::IdentityAlways),
        &numbered(Generated::IdentityByDefault),
    );
    let body = pairs[0].up.body();
    assert!(
        body.contains("alter column id set generated by default;"),
        "{body}"
    );
    assert!(!body.contains("setval"), "{body}");
}

#[test]
fn a_foreign_key_that_references_its_own_table_tells_its_lock_once() {
    let mut referencing = notes();
    let key = ForeignKey::new(["shop"], name(), ["shop"]);
    referencing
        .foreign_keys
        .insert("notes_shop_fkey".into(), key);
    for (from, to) in [(notes(), referencing.clone()), (referencing, notes())] {
        for pair in pairs(&from, &to) {
            for line in pair.up.body().lines().filter(|line| line.starts_with("--")) {
                assert!(line.matches("locks: ").count() <= 1, "{line}");
            }
        }
    }
}
