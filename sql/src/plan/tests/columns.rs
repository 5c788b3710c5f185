//! What a change of a column does to what reads it, and to who inserts rows.

use super::*;
use crate::schema::{Exclusion, ExclusionElement, Index, IndexColumn, PrimaryKey};

type ColumnChange = fn(&mut Column);

const CHANGES: &str = "column public.notes.shop changes";

fn see(using: Expr) -> Policy {
    Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(using),
        check: None,
    }
}

/// Notes of which a policy reads the shop.
fn seen() -> Table {
    let using = Expr::new("shop = current_setting('app.shop')", ["shop"]);
    Table {
        rls: Rls::Enabled(BTreeMap::from([("see".to_owned(), see(using))])),
        ..notes()
    }
}

fn with(table: &Table, change: impl FnOnce(&mut Column)) -> Table {
    let mut changed = table.clone();
    change(&mut changed.columns[0]);
    changed
}

fn of_kind(told: &[String], kind: &str) -> Vec<String> {
    let kind = format!("{kind}: ");
    let told = told.iter().filter_map(|hazard| hazard.strip_prefix(&kind));
    told.map(str::to_owned).collect()
}

#[test]
fn a_column_that_a_policy_reads_changes_access_where_its_values_may_compare_otherwise() {
    let opened = |ty: Type, change: ColumnChange| {
        let from = with(&seen(), |column| column.ty = ty);
        of_kind(&hazards(&from, &with(&from, change)), "widens-access")
    };
    let changes: [(Type, ColumnChange); 8] = [
        (Type::Text, |it| it.collation = Some("ci".into())),
        (Type::Text, |it| it.ty = Type::Named("citext".into())),
        (Type::Text, |it| it.ty = Type::Char(20)),
        (Type::Varchar(Some(9)), |it| it.ty = Type::Varchar(Some(5))),
        (Type::Int4, |it| it.ty = Type::Numeric(None)),
        (Type::Int4, |it| it.ty = Type::Int8),
        (Type::Named("cidr".into()), |it| {
            it.ty = Type::Named("inet".into())
        }),
        (Type::Timestamptz(None), |it| {
            it.ty = Type::Timestamptz(Some(0))
        }),
    ];
    for (ty, change) in changes {
        let what = format!("{ty}");
        assert_eq!(
            opened(ty, change),
            [format!("policy see on public.notes: {CHANGES}")],
            "{what}"
        );
    }
    let same: [(Type, ColumnChange); 5] = [
        (Type::Varchar(Some(5)), |it| it.ty = Type::Varchar(Some(9))),
        (Type::Varchar(Some(5)), |it| it.ty = Type::Text),
        (Type::Text, |it| it.ty = Type::Varchar(None)),
        (Type::Numeric(Some((5, 2))), |it| {
            it.ty = Type::Numeric(None)
        }),
        (Type::Text, |it| it.nullable = true),
    ];
    for (ty, change) in same {
        let what = format!("{ty}");
        assert_eq!(opened(ty, change), [""; 0], "{what}");
    }
}

/// Its rollback gives all rows the same, which the index would not bear.
#[test]
fn a_column_that_tells_rows_apart_says_what_its_rollback_needs() {
    let unique = Index {
        unique: true,
        ..Index::new([IndexColumn::new("number")])
    };
    let from = |number: Column, index: Index| {
        let mut table = notes();
        table.columns.push(number);
        table.indexes.insert("notes_number_idx".into(), index);
        table
    };
    let number = || Column::new("number", Type::Int4);
    let lost = |from: &Table| of_kind(&hazards(from, &notes()), "loses-data");
    let fate = |way_back| [format!("column public.notes.number: dropped{way_back}")];
    let needs_none = fate("; the rollback needs the table to be empty");
    assert_eq!(lost(&from(number(), unique.clone())), needs_none);
    // Where it can be built again, it is built while others write.
    let plain = Index::new([IndexColumn::new("number")]);
    let nullable = Column {
        nullable: true,
        ..number()
    };
    let value = "; the rollback gives every row 0";
    for (column, index, way_back) in [(number(), plain, value), (nullable, unique, "")] {
        let from = from(column, index);
        assert_eq!(lost(&from), fate(way_back));
        let pairs = pairs(&from, &notes());
        assert!(pairs[0].down.body().contains("concurrently"));
    }
}

#[test]
fn a_policy_that_reads_the_column_of_another_table_is_told() {
    let mut exists = Expr::new("exists (select from notes n where n.shop = x)", ["x"]);
    exists.tables.insert("notes".parse().expect("a table"));
    let reader = Table {
        columns: vec![Column::new("x", Type::Text)],
        rls: Rls::Enabled(BTreeMap::from([("through".to_owned(), see(exists))])),
        ..Table::new("shop::Reader")
    };
    let from = |notes: Table| {
        let mut schema = schema(notes);
        let name = QualifiedName::new("public", "a_reader");
        schema.tables.insert(name, reader.clone());
        schema
    };
    let to = with(&notes(), |column| column.collation = Some("ci".into()));
    let told = plan(&from(notes()), &from(to)).hazards();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        of_kind(&told, "widens-access"),
        [format!("policy through on public.a_reader: {CHANGES}")]
    );
}

#[test]
fn a_column_that_the_server_no_longer_keeps_opens_the_policies_that_read_it() {
    let kept: [ColumnChange; 3] = [
        |it| {
            it.nullable = true;
            it.computed = Some(Expr::new("level::text", ["level"]));
        },
        |it| {
            it.ty = Type::Timestamptz(None);
            it.default = Some("now()".into());
            it.updated_at = true;
        },
        |it| {
            it.ty = Type::Int8;
            it.generated = Some(Generated::IdentityAlways);
        },
    ];
    for keep in kept {
        let from = with(&seen(), keep);
        let to = with(&from, |column| {
            column.computed = None;
            column.updated_at = false;
            column.generated = None;
        });
        let told = hazards(&from, &to);
        assert_eq!(
            of_kind(&told, "widens-access"),
            [format!("policy see on public.notes: {CHANGES}")],
            "{told:?}"
        );
    }
}

#[test]
fn what_breaks_the_inserts_of_a_running_program_is_told() {
    let plain: ColumnChange = |_| {};
    let defaulted: ColumnChange = |it| it.default = Some("1".into());
    let computed: ColumnChange = |it| it.computed = Some(Expr::new("level", ["level"]));
    let serial: ColumnChange = |it| it.generated = Some(Generated::Serial);
    let always: ColumnChange = |it| it.generated = Some(Generated::IdentityAlways);
    let by_default: ColumnChange = |it| it.generated = Some(Generated::IdentityByDefault);
    let nullable: ColumnChange = |it| it.nullable = true;
    let number = || with(&notes(), |column| column.ty = Type::Int4);
    for (from, to, fate) in [
        (defaulted, plain, Some("must now be given")),
        (serial, plain, Some("must now be given")),
        (always, plain, Some("must now be given")),
        (by_default, plain, Some("must now be given")),
        (plain, always, Some("can no longer be given")),
        (by_default, always, Some("can no longer be given")),
        (plain, computed, Some("can no longer be given")),
        (always, by_default, None),
        (serial, by_default, None),
        (plain, defaulted, None),
        (plain, nullable, None),
        (defaulted, nullable, None),
    ] {
        let told = hazards(&with(&number(), from), &with(&number(), to));
        let wanted = fate.map(|fate| format!("column public.notes.shop: {fate}"));
        assert_eq!(
            of_kind(&told, "restricts"),
            Vec::from_iter(wanted),
            "{told:?}"
        );
    }
    let mut from = with(&number(), computed);
    from.columns[1].nullable = false;
    let mut to = number();
    to.columns[1].nullable = false;
    assert_eq!(
        of_kind(&hazards(&from, &to), "restricts"),
        ["column public.notes.shop: must now be given"]
    );
}

/// Notes with every kind of rule that compares the shop.
fn ruled() -> Table {
    let columns = || vec!["shop".to_owned()];
    let mut table = with(&notes(), |column| column.ty = Type::Varchar(Some(9)));
    table.primary_key = Some(PrimaryKey {
        name: "notes_pkey".into(),
        columns: columns(),
        ..PrimaryKey::default()
    });
    let unique = Unique {
        columns: columns(),
        ..Unique::default()
    };
    table.uniques.insert("notes_key".into(), unique);
    let index = |unique| Index {
        unique,
        ..Index::new([IndexColumn::new("shop")])
    };
    table.indexes.insert("notes_one".into(), index(true));
    table.indexes.insert("notes_any".into(), index(false));
    let element = ExclusionElement {
        column: IndexColumn::new("shop"),
        operator: "=".into(),
    };
    let exclusion = Exclusion {
        method: "gist".into(),
        elements: vec![element],
        predicate: None,
        deferrable: Default::default(),
    };
    table.exclusions.insert("notes_excl".into(), exclusion);
    let check = Check::new(Expr::new("shop <> 'x'", ["shop"]));
    table.checks.insert("notes_check".into(), check);
    let key = ForeignKey::new(["shop"], name(), ["shop"]);
    table.foreign_keys.insert("notes_fkey".into(), key);
    table
}

#[test]
fn rules_over_a_column_whose_values_compare_otherwise_are_told() {
    let told =
        |change: fn(&mut Column)| of_kind(&hazards(&ruled(), &with(&ruled(), change)), "restricts");
    let rules = [
        "constraint notes_check on public.notes",
        "constraint notes_excl on public.notes",
        "constraint notes_fkey on public.notes",
        "constraint notes_key on public.notes",
        "constraint notes_pkey on public.notes",
        "index public.notes_one",
    ];
    let all: Vec<String> = rules
        .iter()
        .map(|rule| format!("{rule}: {CHANGES}"))
        .collect();
    assert_eq!(told(|it| it.collation = Some("ci".into())), all);
    assert_eq!(told(|it| it.ty = Type::Named("citext".into())), all);
    assert_eq!(told(|it| it.ty = Type::Text), [""; 0]);
}

#[test]
fn a_rule_in_the_place_of_another_is_a_rule_that_goes_and_one_that_comes() {
    type Change = fn(&mut Table);
    let changes: [(&str, Change); 4] = [
        ("constraint notes_check on public.notes", |table| {
            let check = Check::new(Expr::new("shop in ('a', 'b')", ["shop"]));
            table.checks.insert("notes_check".into(), check);
        }),
        ("constraint notes_key on public.notes", |table| {
            let unique = table.uniques.get_mut("notes_key").expect("the key");
            unique.nulls_not_distinct = true;
        }),
        ("constraint notes_excl on public.notes", |table| {
            let excl = table.exclusions.get_mut("notes_excl").expect("the rule");
            excl.predicate = Some(Expr::new("level > 0", ["level"]));
        }),
        ("index public.notes_one", |table| {
            let index = table.indexes.get_mut("notes_one").expect("the index");
            index.predicate = Some(Expr::new("level > 0", ["level"]));
        }),
    ];
    let from = Table {
        foreign_keys: BTreeMap::new(),
        primary_key: None,
        ..ruled()
    };
    for (object, change) in changes {
        let mut to = from.clone();
        change(&mut to);
        for (from, to) in [(&from, &to), (&to, &from)] {
            let whole = plan(&schema(from.clone()), &schema(to.clone())).hazards();
            let whole: Vec<String> = whole.iter().map(ToString::to_string).collect();
            let goes = format!("{object}: changed; the way back fails where rows break it");
            assert_eq!(of_kind(&whole, "removes"), [goes], "{whole:?}");
            assert_eq!(
                of_kind(&whole, "restricts"),
                [format!("{object}: changed")],
                "{whole:?}"
            );
            let ways: [fn(&Migration) -> Vec<Hazard>; 2] =
                [|pair| pair.up.hazards(), |pair| pair.down.hazards()];
            for way in ways {
                let told: Vec<String> = pairs(from, to)
                    .iter()
                    .flat_map(way)
                    .map(|hazard| hazard.to_string())
                    .collect();
                let kinds = ["removes", "restricts"];
                for rules in kinds.map(|kind| of_kind(&told, kind)) {
                    assert!(rules.iter().any(|it| it.starts_with(object)), "{told:?}");
                }
            }
        }
    }
}

#[test]
fn an_index_that_becomes_unique_is_a_rule() {
    let from = ruled();
    let mut to = from.clone();
    to.indexes.get_mut("notes_any").expect("it").unique = true;
    let told = hazards(&from, &to);
    let restricts = of_kind(&told, "restricts");
    assert_eq!(restricts, ["index public.notes_any: new"], "{told:?}");
    let mut stored = from.clone();
    let index = stored.indexes.get_mut("notes_one").expect("it");
    index.with.insert("fillfactor".into(), "70".into());
    assert_eq!(of_kind(&hazards(&from, &stored), "restricts"), [""; 0]);
}
