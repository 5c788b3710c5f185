//! What a change does to who may see and write which rows.

use super::*;

fn positive() -> Rls {
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(Expr::new("level > 0", ["level"])),
        check: None,
    };
    Rls::Enabled(BTreeMap::from([("positive".to_owned(), policy)]))
}

pub(super) fn open() -> Table {
    let select = BTreeSet::from([Command::Select]);
    Table {
        grants: BTreeMap::from([("app".to_owned(), select)]),
        rls: Rls::Disabled("for everyone".to_owned()),
        ..notes()
    }
}

pub(super) fn of_access(from: &Table, to: &Table) -> Vec<String> {
    let mut told = hazards(from, to);
    told.retain(|hazard| hazard.contains("-access: "));
    told
}

#[test]
fn a_policy_that_comes_with_row_level_security_opens_nothing() {
    let narrowed = Table {
        rls: positive(),
        ..open()
    };
    assert_eq!(
        of_access(&open(), &narrowed),
        ["narrows-access: row-level security on public.notes: enabled"]
    );
    assert_eq!(
        of_access(&narrowed, &open()),
        ["widens-access: row-level security on public.notes: disabled"]
    );
    let closed = Table {
        rls: Rls::Enabled(BTreeMap::new()),
        ..open()
    };
    assert_eq!(
        of_access(&closed, &narrowed),
        ["widens-access: policy positive on public.notes: new"]
    );
}

#[test]
fn a_grant_that_comes_with_row_level_security_opens_what_its_policy_lets_through() {
    let ungranted = Table {
        grants: BTreeMap::new(),
        ..open()
    };
    let granted = Table {
        rls: positive(),
        ..open()
    };
    let told = of_access(&ungranted, &granted);
    let opened = "widens-access: grants to app on public.notes: grant select".to_owned();
    assert!(told.contains(&opened), "{told:?}");
}

#[test]
fn what_happens_to_a_partitioned_table_stands_above_its_own_statement() {
    let partitioned = |table: Table| Table {
        partition_by: Some(PartitionBy {
            strategy: PartitionStrategy::List,
            columns: vec!["shop".into()],
        }),
        partitions: BTreeMap::from([("notes_rest".to_owned(), Partition::Default)]),
        ..table
    };
    let ruled = |rls: Rls| partitioned(Table { rls, ..open() });
    let closed = || ruled(Rls::Enabled(BTreeMap::new()));
    for (from, to, statement) in [
        (partitioned(open()), closed(), "enable row level security"),
        (closed(), partitioned(open()), "no force row level security"),
        (closed(), ruled(positive()), "create policy positive"),
        (ruled(positive()), closed(), "drop policy positive"),
    ] {
        let pairs = pairs(&from, &to);
        let steps = || pairs.iter().flat_map(|pair| pair.up.plan.steps());
        let of_access = |step: &&Step| {
            let mut told = step.hazards.iter().map(Hazard::to_string);
            told.any(|told| told.contains("-access: ") && told.contains(" on public.notes: "))
        };
        let told: Vec<&str> = steps()
            .filter(of_access)
            .map(|step| step.sql.as_str())
            .collect();
        let [told] = told[..] else {
            panic!("{told:?}");
        };
        assert!(
            told.contains(statement) && !told.contains("notes_rest"),
            "{told}"
        );
    }
}

/// A role that may do it with those columns of the table, or all of it.
fn may(command: Command, columns: &[&str]) -> Table {
    let role = "app".to_owned();
    let mut table = open();
    table.grants.clear();
    if columns.is_empty() {
        table.grants.insert(role, BTreeSet::from([command]));
    } else {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        let commands = BTreeMap::from([(command, columns)]);
        table.column_grants.insert(role, commands);
    }
    table
}

#[test]
fn a_privilege_on_columns_is_less_than_one_on_the_table_and_nothing_beside_it() {
    for command in [Command::Select, Command::Update] {
        let told = |from: &[&str], to: &[&str]| of_access(&may(command, from), &may(command, to));
        let label = |verb: &str, columns: &str| {
            let kind = if verb == "grant" { "widens" } else { "narrows" };
            [format!(
                "{kind}-access: grants to app on public.notes: {verb} {command}{columns}"
            )]
        };
        assert_eq!(told(&[], &["level"]), label("revoke", ""));
        assert_eq!(told(&["level"], &[]), label("grant", ""));
        let both = ["level", "shop"];
        assert_eq!(told(&["level"], &both), label("grant", " (shop)"));
        assert_eq!(told(&both, &["shop"]), label("revoke", " (level)"));
        // What stands in the file is both.
        let pairs = pairs(&may(command, &[]), &may(command, &["level"]));
        let body = pairs[0].up.plan.body();
        let revoked = format!("revoke {command} on table public.notes from app");
        assert!(body.contains(&revoked), "{body}");
        let granted = format!("grant {command} (level) on table public.notes to app");
        assert!(body.contains(&granted), "{body}");
    }
}

#[test]
fn a_policy_for_fewer_commands_is_the_same_for_those() {
    let for_commands = |command| {
        let Rls::Enabled(mut policies) = positive() else {
            panic!("no policies");
        };
        let policy = policies.values_mut().next().expect("a policy");
        policy.command = command;
        Table {
            rls: Rls::Enabled(policies),
            ..open()
        }
    };
    let object = "policy positive on public.notes";
    let (all, select) = (for_commands(None), for_commands(Some(Command::Select)));
    assert_eq!(
        of_access(&all, &select),
        [format!(
            "narrows-access: {object}: no longer for insert, update, delete"
        )]
    );
    assert_eq!(
        of_access(&select, &all),
        [format!(
            "widens-access: {object}: now for insert, update, delete"
        )]
    );
    let update = for_commands(Some(Command::Update));
    assert_eq!(
        of_access(&select, &update),
        [
            format!("narrows-access: {object}: no longer for select"),
            format!("widens-access: {object}: now for update"),
        ]
    );
}

#[test]
fn a_default_that_a_role_may_not_write_opens_and_closes_like_a_check() {
    let told = |check: &str, columns: &[&str], (old, new): (Option<&str>, Option<&str>)| {
        let side = |default: Option<&str>| {
            let insert = Policy {
                command: Some(Command::Insert),
                restrictive: false,
                roles: BTreeSet::from(["app".to_owned()]),
                using: None,
                check: Some(Expr::new(check, ["shop", "level"])),
            };
            let mut table = may(Command::Insert, columns);
            table.rls = Rls::Enabled(BTreeMap::from([("add".to_owned(), insert)]));
            table.columns[1].default = default.map(str::to_owned);
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: insert by app";
    let own = "shop = (select current_setting('app.shop', true)) and shop > '' and level = 1";
    let shop: &[&str] = &["shop"];
    let wider = told(own, shop, (Some("0"), Some("1")));
    assert_eq!(wider.len(), 1, "{wider:?}");
    let now = format!("widens-{object} now writes the row (");
    assert!(wider[0].starts_with(&now), "{wider:?}");
    let narrower = told(own, shop, (Some("1"), Some("0")));
    assert_eq!(narrower.len(), 1, "{narrower:?}");
    let before = format!("narrows-{object} no longer writes the row (");
    assert!(narrower[0].starts_with(&before), "{narrower:?}");
    assert_eq!(told(own, shop, (Some("0"), Some("2"))), [""; 0]);
    assert_eq!(told(own, shop, (None, Some("2"))), [""; 0]);
    assert_eq!(told(own, shop, (None, Some("1"))).len(), 1);
    assert_eq!(told("level is null", shop, (Some("1"), None)).len(), 1);
    let either = "level > 0 or shop = 'x'";
    let sum = told(either, shop, (Some("0"), Some("(1 + 1) * 2")));
    assert!(sum[0].starts_with("widens-access: "), "{sum:?}");
    // What is computed anew for each row may be anything.
    let random = (Some("0"), Some("(random() * 9)::int"));
    let random = told(own, shop, random);
    assert!(random[0].starts_with("widens-access: "), "{random:?}");
    // Whoever may write the column needs no default; a check that does not read it asks nothing of it.
    for all in [&["shop", "level"] as &[&str], &[]] {
        assert_eq!(told(own, all, (Some("0"), Some("1"))), [""; 0]);
    }
}

#[test]
fn a_default_that_its_type_rounds_is_what_the_column_holds() {
    for (ty, check, default) in [
        (Type::Float4, "level = 0.1::real", "0.1"),
        (Type::Int4, "level = 2", "1.5"),
        (Type::Numeric(Some((5, 1))), "level = 0.2", "0.15"),
    ] {
        let side = |default: &str| {
            let insert = Policy {
                command: Some(Command::Insert),
                restrictive: false,
                roles: BTreeSet::from(["app".to_owned()]),
                using: None,
                check: Some(Expr::new(check, ["level"])),
            };
            let mut table = may(Command::Insert, &["shop"]);
            table.rls = Rls::Enabled(BTreeMap::from([("add".to_owned(), insert)]));
            table.columns[1].ty = ty.clone();
            table.columns[1].default = Some(default.to_owned());
            table
        };
        let told = of_access(&side("7"), &side(default));
        let is_wider = |told: &String| told.starts_with("widens-access: policy add");
        assert!(told.iter().any(is_wider), "{ty}: {told:?}");
    }
}

#[test]
fn a_default_that_may_be_null_opens_a_check_for_null() {
    let told = |check: &str, (old, new): (&str, &str)| {
        let side = |default: &str| {
            let insert = Policy {
                command: Some(Command::Insert),
                restrictive: false,
                roles: BTreeSet::from(["app".to_owned()]),
                using: None,
                check: Some(Expr::new(check, ["shop", "tag"])),
            };
            let mut table = may(Command::Insert, &["shop"]);
            table.rls = Rls::Enabled(BTreeMap::from([("add".to_owned(), insert)]));
            table.columns.push(Column {
                nullable: true,
                default: Some(default.to_owned()),
                ..Column::new("tag", Type::Text)
            });
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: ";
    let is_told = |check: &str, defaults: (&str, &str), kind: &str| {
        let told = told(check, defaults);
        let is_told = |told: &String| told.starts_with(&format!("{kind}-{object}"));
        assert!(told.iter().any(is_told), "{check}, {defaults:?}: {told:?}");
    };
    let absent = "nullif(current_setting('app.tag', true), '')";
    for default in [absent, "current_schema", "null", "lower(null)"] {
        is_told("tag is null", ("'none'", default), "widens");
        is_told("shop = 'x' and tag is null", ("'none'", default), "widens");
        is_told("tag is not null", (default, "'none'"), "widens");
    }
    is_told("tag is null", (absent, "'none'"), "narrows");
    assert_eq!(told("tag is null", ("'none'", "'other'")), [""; 0]);
    assert_eq!(told("tag is null", (absent, absent)), [""; 0]);
}

#[test]
fn a_default_opens_a_check_that_reads_it_through_a_generated_column() {
    let told = |(ty, computed): (Type, &str), check: &str, (old, new): (&str, &str)| {
        let side = |default: &str| {
            let insert = Policy {
                command: Some(Command::Insert),
                restrictive: false,
                roles: BTreeSet::from(["app".to_owned()]),
                using: None,
                check: Some(Expr::new(
                    check,
                    ["shop", "made"].into_iter().filter(|it| check.contains(it)),
                )),
            };
            let mut table = may(Command::Insert, &["shop"]);
            table.rls = Rls::Enabled(BTreeMap::from([("add".to_owned(), insert)]));
            table.columns[1].default = Some(default.to_owned());
            table.columns.push(Column {
                computed: Some(Expr::new(computed, ["level"])),
                ..Column::new("made", ty.clone())
            });
            table
        };
        of_access(&side(old), &side(new))
    };
    let object = "access: policy add on public.notes: insert by app";
    let open = || (Type::Bool, "level = 1");
    let check = "shop = 'x' and made = true";
    let row = "writes the row (level = 1, made = true, shop = 'x')";
    assert_eq!(
        told(open(), check, ("0", "1")),
        [format!("widens-{object} now {row}")]
    );
    assert_eq!(
        told(open(), check, ("1", "0")),
        [format!("narrows-{object} no longer {row}")]
    );
    assert_eq!(told(open(), check, ("0", "2")), [""; 0]);
    // What is not taken apart may be anything.
    for opaque in [(Type::Int4, "abs(level)"), (Type::Int4, "own(level)")] {
        let told = told(opaque, "made = 1", ("0", "1"));
        let is_wider = |told: &String| told.starts_with("widens-access: policy add ");
        assert!(told.iter().any(is_wider), "{told:?}");
    }
    assert_eq!(told(open(), "shop = 'x'", ("0", "1")), [""; 0]);
}
