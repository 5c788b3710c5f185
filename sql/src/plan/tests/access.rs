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
pub(super) fn may(command: Command, columns: &[&str]) -> Table {
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
fn a_restrictive_policy_for_fewer_commands_takes_away_less() {
    let for_commands = |command| {
        let mut table = shown("level > 0", None);
        if let Rls::Enabled(policies) = &mut table.rls {
            let policy = policies.values_mut().next().expect("a policy");
            policy.command = command;
            policy.restrictive = true;
        }
        table
    };
    let object = "policy see on public.notes";
    let (all, select) = (for_commands(None), for_commands(Some(Command::Select)));
    assert_eq!(
        of_access(&all, &select),
        [format!(
            "widens-access: {object}: no longer for insert, update, delete"
        )]
    );
    assert_eq!(
        of_access(&select, &all),
        [format!(
            "narrows-access: {object}: now for insert, update, delete"
        )]
    );
}

#[test]
fn what_is_not_decided_says_why() {
    let of = |sql: &str, restrictive| {
        let Rls::Enabled(mut policies) = positive() else {
            panic!("no policies");
        };
        let policy = policies.values_mut().next().expect("a policy");
        policy.using = Some(Expr::new(sql, ["level"]));
        policy.restrictive = restrictive;
        Table {
            rls: Rls::Enabled(policies),
            ..open()
        }
    };
    let own = "level = tenants.mine()";
    for (old, new, reason) in [
        (
            own,
            "level = tenants.mine() and level > 0",
            "it calls tenants.mine()",
        ),
        ("level > 0", "level between symmetric 2 and 1", "`between`"),
    ] {
        let object = "policy positive on public.notes";
        let said = [format!(
            "widens-access: {object}: changed, not decided: {reason}"
        )];
        assert_eq!(of_access(&of(old, false), &of(new, false)), said);
        assert_eq!(of_access(&of(new, true), &of(old, true)), said);
    }
    let restrictive = of_access(&of("level > 0", false), &of("level > 0", true));
    assert!(
        restrictive[0].ends_with(": changed, not decided: it is restrictive now"),
        "{restrictive:?}"
    );
}

/// Notes that a policy shows, with one column more or without it.
fn shown(using: &str, column: Option<Column>) -> Table {
    let names = column.iter().map(|column| column.name.as_str());
    let names = names.chain(["shop", "level"]);
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(Expr::new(using, names.filter(|name| using.contains(name)))),
        check: None,
    };
    let mut table = Table {
        rls: Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)])),
        ..open()
    };
    table.columns.extend(column);
    table
}

#[test]
fn a_column_that_comes_or_goes_with_the_condition_that_reads_it_is_compared() {
    let deleted = || Column {
        nullable: true,
        ..Column::new("deleted_at", Type::Timestamptz(None))
    };
    let hidden = || Column {
        default: Some("false".into()),
        ..Column::new("hidden", Type::Bool)
    };
    let own = "shop = 's'";
    let lived = || shown("shop = 's' and deleted_at is null", Some(deleted()));
    let bare = || shown(own, None);
    let fate = |kind: &str, when: &str, row: &str| {
        format!(
            "{kind}-access: policy see on public.notes: select by app {when} reaches the row ({row})"
        )
    };
    let fewer = |row| [fate("narrows", "no longer", row)];
    let more = |row| [fate("widens", "now", row)];
    let row = "deleted_at = A, shop = 's'";
    assert_eq!(of_access(&bare(), &lived()), fewer(row));
    assert_eq!(of_access(&lived(), &bare()), more(row));
    let seen = || shown("shop = 's' and hidden = false", Some(hidden()));
    let row = "hidden = true, shop = 's'";
    assert_eq!(of_access(&bare(), &seen()), fewer(row));
    assert_eq!(of_access(&seen(), &bare()), more(row));
    // A row to come may hold anything in it.
    let public = shown("shop = 's' or hidden", Some(hidden()));
    let told = of_access(&bare(), &public);
    assert!(told[0].starts_with("widens-access: "), "{told:?}");
    assert_eq!(told.len(), 1);
    // One goes and another one comes.
    let told = of_access(&lived(), &seen());
    assert_eq!(told.len(), 2, "{told:?}");
    // Where it is NULL nothing lets a row through that was let through before.
    let other = Column {
        default: None,
        nullable: true,
        ..hidden()
    };
    let told = of_access(&bare(), &shown("shop = 's' and not hidden", Some(other)));
    assert!(told.iter().all(|it| it.starts_with("narrows-")), "{told:?}");
}

#[test]
fn what_had_the_name_of_a_new_column_is_not_the_column() {
    let column = || {
        Some(Column {
            nullable: true,
            ..Column::new("hidden", Type::Bool)
        })
    };
    // Of a function of one's own, of another table, and of a row that is read whole.
    for old in [
        "shop = 's' and notes.hidden",
        "shop = 's' and \"hidden\"",
        "shop = 's' and shop = any (array(select m.shop from public.members m where m.hidden))",
        "shop = 's' and not to_jsonb(notes.*) ? 'hidden'",
        "shop = 's' and notes.*::text <> '(s,1)'",
    ] {
        let mut from = shown(old, None);
        if let Rls::Enabled(policies) = &mut from.rls {
            let policy = policies.values_mut().next().expect("a policy");
            policy
                .using
                .as_mut()
                .expect("an expression")
                .columns
                .remove("hidden");
        }
        let new = format!("{old} and hidden");
        let told = of_access(&from, &shown(&new, column()));
        let undecided = "widens-access: policy see on public.notes: changed, not decided: \
                         column hidden is another one than before";
        assert_eq!(told, [undecided], "{old}");
    }
}
