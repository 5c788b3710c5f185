//! What a change does to who may see and write which rows.

use super::*;
use crate::schema::Lookup;

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

fn open() -> Table {
    let select = BTreeSet::from([Command::Select]);
    Table {
        grants: BTreeMap::from([("app".to_owned(), select)]),
        rls: Rls::Disabled("for everyone".to_owned()),
        ..notes()
    }
}

fn of_access(from: &Table, to: &Table) -> Vec<String> {
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

/// A role that may update those columns of the table, or all of it.
fn updates(columns: &[&str]) -> Table {
    let role = || "app".to_owned();
    let mut table = open();
    match columns {
        [] => drop(
            table
                .grants
                .insert(role(), BTreeSet::from([Command::Update])),
        ),
        columns => {
            table.grants.clear();
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            let of_update = BTreeMap::from([(Command::Update, columns)]);
            table.column_grants.insert(role(), of_update);
        }
    }
    table
}

#[test]
fn a_privilege_on_columns_is_less_than_one_on_the_table_and_nothing_beside_it() {
    let told = |from: &[&str], to: &[&str]| of_access(&updates(from), &updates(to));
    let label = |what: &str| {
        let (verb, _) = what.split_once(' ').expect("a verb");
        let kind = if verb == "grant" { "widens" } else { "narrows" };
        format!("{kind}-access: grants to app on public.notes: {what}")
    };
    assert_eq!(told(&[], &["level"]), [label("revoke update")]);
    assert_eq!(told(&["level"], &[]), [label("grant update")]);
    assert_eq!(
        told(&["level"], &["level", "shop"]),
        [label("grant update (shop)")]
    );
    assert_eq!(
        told(&["level", "shop"], &["shop"]),
        [label("revoke update (level)")]
    );
    // What stands in the file is both.
    let pairs = pairs(&updates(&[]), &updates(&["level"]));
    let body = pairs[0].up.plan.body();
    assert!(
        body.contains("revoke update on table public.notes from app"),
        "{body}"
    );
    assert!(
        body.contains("grant update (level) on table public.notes to app"),
        "{body}"
    );
}

/// Whoever shares a level sees one another's notes: read by the policy itself, or by a function.
fn asking(roles: &[&str], by_function: bool) -> Table {
    let lookup = Lookup {
        query: "select m.level from public.notes m where m.id = 1".into(),
        returns: Type::Int4,
        table: "public.notes".into(),
    };
    let mut expr = Expr::new(format!("level = any (array({}))", lookup.query), ["level"]);
    expr.tables.insert("public.notes".into());
    if by_function {
        let name = lookup.name("public", "notes", "level");
        expr.lookups.insert(name, lookup);
    }
    let policy = Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        using: Some(expr),
        check: None,
    };
    Table {
        rls: Rls::Enabled(BTreeMap::from([("shared".to_owned(), policy)])),
        ..notes()
    }
}

#[test]
fn a_function_passes_by_what_policies_hid() {
    let (itself, by_function) = (asking(&["app"], false), asking(&["app"], true));
    let object = "policy shared on public.notes";
    assert_eq!(
        of_access(&itself, &by_function),
        [format!(
            "widens-access: {object}: select by app now reaches what the policies of public.notes hide"
        )]
    );
    assert_eq!(
        of_access(&by_function, &itself),
        [format!(
            "narrows-access: {object}: select by app no longer reaches what the policies of public.notes hide"
        )]
    );
}

#[test]
fn a_function_is_for_the_roles_that_have_the_policy() {
    let (one, two) = (asking(&["app"], true), asking(&["app", "ops"], true));
    let steps = |from: &Table, to: &Table| {
        let plan = plan(&schema(from.clone()), &schema(to.clone()));
        let steps = plan.groups.into_iter().flat_map(|group| group.steps);
        let steps = steps.map(|step| step.sql);
        steps
            .filter(|sql| sql.contains("function"))
            .collect::<Vec<_>>()
    };
    let name = schema(one.clone())
        .lookups()
        .into_keys()
        .next()
        .map(ToString::to_string)
        .expect("a function");
    assert_eq!(
        steps(&one, &two),
        [format!("grant execute on function {name}() to ops")]
    );
    assert_eq!(
        steps(&two, &one),
        [format!("revoke execute on function {name}() from ops")]
    );
    assert_eq!(steps(&one, &notes()), [format!("drop function {name}()")]);
    let made = steps(&notes(), &one);
    assert_eq!(made.len(), 4, "{made:?}");
    assert!(made[0].contains("rolbypassrls"), "{made:?}");
    assert!(made[1].starts_with(&format!("create function {name}() returns setof integer")));
    assert_eq!(
        made[2],
        format!("revoke all on function {name}() from public")
    );
    assert_eq!(
        made[3],
        format!("grant execute on function {name}() to app")
    );
}
