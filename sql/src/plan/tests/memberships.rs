//! What a membership of a policy lets through where what it reads is renamed, or a function comes to look it up.

use super::access::{of_access, open};
use super::*;
use crate::schema::{Lookup, TableRenames};

/// Whoever shares a level sees one another's notes: read by the policy itself, or by a function.
fn asking(roles: &[&str], by_function: bool) -> Table {
    let lookup = Lookup {
        query: "select m.level from public.notes m where m.id = 1".into(),
        returns: Type::Int4,
        table: name(),
    };
    let mut expr = Expr::new(format!("level = any (array({}))", lookup.query), ["level"]);
    expr.tables.insert(name().into());
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
fn under_a_negation_what_policies_hide_is_what_is_let_through() {
    let negated = |by_function| {
        let mut table = asking(&["app"], by_function);
        if let Rls::Enabled(policies) = &mut table.rls {
            let policy = policies.values_mut().next().expect("a policy");
            let using = policy.using.as_mut().expect("an expression");
            using.sql = format!("level > 0 and not {}", using.sql);
        }
        table
    };
    let both = ["narrows", "widens"].map(|kind| {
        let when = match kind {
            "narrows" => "no longer",
            _ => "now",
        };
        format!(
            "{kind}-access: policy shared on public.notes: select by app {when} reaches rows that depend \
             on what the policies of public.notes hide"
        )
    });
    assert_eq!(of_access(&negated(true), &negated(false)), both);
    assert_eq!(of_access(&negated(false), &negated(true)), both);
}

#[test]
fn who_reads_through_a_policy_that_a_function_no_longer_serves_is_told() {
    let read = |table: &str| {
        format!("shop = any (array(select m.shop from public.{table} m where m.level = 1))")
    };
    let side = |by_function| {
        let mut schema = of_members("members", "user_id", by_function);
        let notes = schema.tables.get_mut(&name()).expect("notes");
        if let Rls::Enabled(policies) = &mut notes.rls {
            let policy = policies.values_mut().next().expect("a policy");
            let using = policy.using.as_mut().expect("an expression");
            using.sql = format!("level > 0 and not {}", using.sql);
        }
        for (reader, of) in [("threads", "notes"), ("posts", "threads")] {
            let mut table = schema.tables[&name()].clone();
            if let Rls::Enabled(policies) = &mut table.rls {
                let policy = policies.values_mut().next().expect("a policy");
                let mut expr = Expr::new(read(of), ["shop"]);
                expr.tables.insert(QualifiedName::new("public", of).into());
                policy.using = Some(expr);
            }
            let reader = QualifiedName::new("public", reader);
            schema.tables.insert(reader, table);
        }
        schema
    };
    for by_function in [false, true] {
        let pair = (side(by_function), side(!by_function));
        let pairs = migrations(&pair.0, &pair.1, &Renames::default(), &Settings::default());
        let pairs = pairs.expect("no question");
        let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
        let told: Vec<String> = hazards.map(|hazard| hazard.to_string()).collect();
        for table in ["notes", "threads", "posts"] {
            let opens = format!("widens-access: policy of on public.{table}: ");
            assert!(told.iter().any(|it| it.starts_with(&opens)), "{told:?}");
        }
    }
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

/// Notes that a policy shows to whoever is in the table of members, under that name and with that column.
fn of_members(members: &str, user: &str, by_function: bool) -> Schema {
    let name = QualifiedName::new("public", members);
    let (column, user) = (Column::new(user, Type::Text), crate::ident::quote(user));
    let lookup = Lookup {
        query: format!(
            "select m.shop from {name} m where m.{user} = (select current_setting('app.user', true)) and m.{user} > ''"
        ),
        returns: Type::Text,
        table: name.clone(),
    };
    let mut expr = Expr::new(format!("shop = any (array({}))", lookup.query), ["shop"]);
    expr.tables.insert((&name).into());
    if by_function {
        let function = lookup.name("public", members, "shop");
        expr.lookups.insert(function, lookup);
    }
    let policy = |expr| Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(expr),
        check: None,
    };
    let with = |expr| Rls::Enabled(BTreeMap::from([("of".to_owned(), policy(expr))]));
    let granted = || Table {
        rls: with(Expr::new("level > 0", ["level"])),
        ..open()
    };
    let mut table = granted();
    table.columns.push(column);
    let mut schema = schema(Table {
        rls: with(expr),
        ..granted()
    });
    schema.tables.insert(name, table);
    schema
}

fn told_of_rename(from: &Schema, to: &Schema) -> (Vec<String>, String) {
    let members = |schema: &Schema| {
        let name = schema.tables.keys().find(|it| it.name != "notes");
        let name = name.expect("members").clone();
        let column = schema.tables[&name].columns[2].name.clone();
        (name, column)
    };
    let ((old, was), (new, is)) = (members(from), members(to));
    let columns = (was != is).then_some((is, was));
    let hints = TableRenames {
        from: (old != new).then_some(old),
        columns: columns.into_iter().collect(),
        ..TableRenames::default()
    };
    let renames = Renames {
        tables: BTreeMap::from([(new, hints)]),
    };
    let pairs = migrations(from, to, &renames, &Settings::default()).expect("no question");
    let hazards = pairs
        .iter()
        .flat_map(|pair| pair.up.hazards().into_iter().chain(pair.down.hazards()));
    let told = hazards.map(|hazard| hazard.to_string());
    let told = told.filter(|told| told.contains("-access: ")).collect();
    (told, pairs.iter().map(|pair| pair.up.body()).collect())
}

#[test]
fn a_renamed_table_of_members_lets_nobody_else_in() {
    let renames = [
        ("members", "user_id", "people", "user_id"),
        ("members", "user_id", "members", "Person"),
        ("members", "user_id", "The people", "user"),
    ];
    for (old, was, new, is) in renames {
        for by_function in [false, true] {
            let from = of_members(old, was, by_function);
            let to = of_members(new, is, by_function);
            let (told, body) = told_of_rename(&from, &to);
            assert_eq!(told, [""; 0], "{new}.{is}");
            // PostgreSQL renames in the policy by itself, and in the function not.
            assert_eq!(body.contains("alter policy"), by_function, "{body}");
            assert_eq!(body.contains("create function"), by_function, "{body}");
        }
    }
}

/// The same with another name for what the membership selects.
fn selecting(mut schema: Schema, by_function: bool, column: &str) -> Schema {
    let members = QualifiedName::new("public", "members");
    let table = schema.tables.get_mut(&members).expect("members");
    table.columns[0].name = column.into();
    let table = schema.tables.get_mut(&name()).expect("notes");
    let Rls::Enabled(policies) = &mut table.rls else {
        panic!("no policies");
    };
    let policy = policies.values_mut().next().expect("a policy");
    let expr = policy.using.as_mut().expect("an expression");
    let retell = |sql: &str| sql.replace("select m.shop", &format!("select m.{column}"));
    expr.sql = retell(&expr.sql);
    let lookup = expr.lookups.pop_first();
    assert_eq!(lookup.is_some(), by_function);
    if let Some((_, mut lookup)) = lookup {
        lookup.query = retell(&lookup.query);
        let function = lookup.name("public", "members", column);
        expr.lookups.insert(function, lookup);
    }
    schema
}

#[test]
fn a_membership_whose_selected_column_is_renamed_is_altered_and_lets_nobody_else_in() {
    for (by_function, renamed) in [(false, "of"), (false, "members"), (true, "of")] {
        let from = of_members("members", "user_id", by_function);
        let mut to = selecting(from.clone(), by_function, "store");
        let table = to.tables.get_mut(&name()).expect("notes");
        if let Rls::Enabled(policies) = &mut table.rls {
            let policy = policies.remove("of").expect("the policy");
            policies.insert(renamed.into(), policy);
        }
        let hints = TableRenames {
            columns: BTreeMap::from([("store".into(), "shop".into())]),
            ..TableRenames::default()
        };
        let renames = Renames {
            tables: BTreeMap::from([(QualifiedName::new("public", "members"), hints)]),
        };
        let pairs = migrations(&from, &to, &renames, &Settings::default());
        let pairs = pairs.expect("no question");
        assert_eq!(pairs.len(), 1);
        for (script, policy) in [(&pairs[0].up, renamed), (&pairs[0].down, "of")] {
            let altered = format!("alter policy {policy} on public.notes\n  using (");
            let body = script.body();
            assert!(body.contains(&altered), "{body}");
            let told = script.hazards();
            let opens = |hazard: &Hazard| hazard.to_string().contains("-access: ");
            assert!(!told.iter().any(opens), "{told:?}");
        }
    }
}

#[test]
fn what_else_changes_with_a_renamed_table_of_members_is_told() {
    let from = of_members("members", "user_id", false);
    let mut to = of_members("people", "user_id", false);
    let retell = |schema: &mut Schema, change: &dyn Fn(&str) -> String| {
        let table = schema.tables.get_mut(&name()).expect("notes");
        let Rls::Enabled(policies) = &mut table.rls else {
            panic!("no policies");
        };
        let using = policies
            .get_mut("of")
            .and_then(|policy| policy.using.as_mut());
        let using = using.expect("an expression");
        using.sql = change(&using.sql);
    };
    retell(&mut to, &|sql| {
        sql.replacen("shop = any", "level > 0 and shop = any", 1)
    });
    let (told, _) = told_of_rename(&from, &to);
    assert!(
        !told.is_empty() && told.iter().all(|told| !told.contains(": changed")),
        "{told:?}"
    );
    // What is no membership as it is generated may be anything.
    for change in [
        |sql: &str| sql.replace("m.user_id >", "user_id >"),
        |sql: &str| format!("{sql} and exists (select from public.members n where n.level > 0)"),
    ] {
        let mut from = of_members("members", "user_id", false);
        let mut to = of_members("members", "person", false);
        retell(&mut from, &change);
        retell(&mut to, &|sql| change(sql).replace("user_id", "person"));
        let (told, _) = told_of_rename(&from, &to);
        assert!(
            told.iter().any(|told| told.starts_with("widens-access: ")),
            "{told:?}"
        );
    }
}

#[test]
fn which_members_are_meant_is_what_their_columns_say() {
    let with = |condition: &str, ty: Type| {
        let mut schema = of_members("members", "user_id", false);
        let members = QualifiedName::new("public", "members");
        let members = schema.tables.get_mut(&members).expect("members");
        members.columns.push(Column::new("role", ty));
        let notes = schema.tables.get_mut(&name()).expect("notes");
        if let Rls::Enabled(policies) = &mut notes.rls {
            let using = policies
                .values_mut()
                .next()
                .and_then(|it| it.using.as_mut());
            let using = using.expect("an expression");
            using.sql = using
                .sql
                .replace(" > ''", &format!(" > '' and {condition}"));
        }
        schema
    };
    let told = |ty: Type| {
        let not_guest = with("m.role <> 'guest'", ty.clone());
        let (told, _) = told_of_rename(&not_guest, &with("m.role = 'admin'", ty));
        told.iter()
            .map(|told| told.split(": ").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    // There, and back.
    assert_eq!(told(Type::Text), ["narrows-access", "widens-access"]);
    let of_another = told(Type::Named("citext".into()));
    assert_eq!(of_another.len(), 4, "{of_another:?}");
}

#[test]
fn no_policy_hid_what_had_no_row_level_security() {
    let bare = |by_function| {
        let mut schema = of_members("members", "user_id", by_function);
        let name = QualifiedName::new("public", "members");
        let members = schema.tables.get_mut(&name).expect("members");
        members.rls = Rls::Disabled("for everyone".into());
        schema
    };
    let of_notes = |from: &Schema, to: &Schema| {
        let (mut told, _) = told_of_rename(from, to);
        told.retain(|told| told.contains("policy of on public.notes"));
        told
    };
    let closed = of_members("members", "user_id", true);
    assert_eq!(of_notes(&bare(false), &closed), [""; 0]);
    // Where it has, they are told.
    let read = of_members("members", "user_id", false);
    assert_eq!(of_notes(&read, &closed).len(), 2);
    assert_eq!(of_notes(&read, &bare(true)).len(), 2);
}
