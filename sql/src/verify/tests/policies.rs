//! Policies that read other tables, and what functions look up for them.

use super::{found, named, sample, table};
use crate::schema::{Command, Expr, Lookup, Policy, Rls, Table, Type};
use crate::verify::{settle_lookups, verify};

/// A policy for a role that reads another table.
fn reading(role: &str, tables: &[&str]) -> Policy {
    Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: [role.to_owned()].into(),
        using: Some(Expr {
            tables: tables.iter().map(|table| named(table).into()).collect(),
            ..Expr::new("exists (select)", [""; 0])
        }),
        check: None,
    }
}

fn policy(table: &mut Table, name: &str, policy: Policy) {
    for role in &policy.roles {
        let commands = table.grants.entry(role.clone()).or_default();
        commands.extend(
            policy
                .commands()
                .iter()
                .copied()
                .filter(|_| !policy.restrictive),
        );
    }
    if let Rls::Enabled(policies) = &mut table.rls {
        policies.insert(name.into(), policy);
    }
}

#[test]
fn what_a_policy_reads_its_role_may_read_and_leads_not_back() {
    let reads_user = |role: &str, user: Option<Policy>| {
        found(|schema| {
            policy(table(schema, "post"), "p", reading(role, &["user"]));
            if let Some(user) = user {
                policy(table(schema, "user"), "u", user);
            }
        })
    };
    assert!(reads_user("app", Some(reading("app", &[]))).is_empty());
    let denied = "policy `p` on `post` reads `user` as role `app`, which may not; add a `select` policy for the \
                  scope of that role to `user`";
    assert_eq!(reads_user("app", None), [denied]);
    assert_eq!(reads_user("app", Some(reading("ops", &[]))), [denied]);
    let back = reads_user("app", Some(reading("app", &["post"])));
    assert_eq!(back.len(), 2, "{back:?}");
    assert!(
        back.iter()
            .all(|message| message.contains("PostgreSQL refuses such a query")),
        "{back:?}"
    );
    let itself = found(|schema| {
        policy(table(schema, "post"), "p", reading("app", &["post"]));
    });
    assert_eq!(itself.len(), 1, "{itself:?}");
}

#[test]
fn a_membership_that_leads_back_is_looked_up_by_a_function() {
    let asking = |of: &str, tables: &[&str]| {
        let mut asking = reading("app", tables);
        for expr in asking.using.iter_mut() {
            for read in tables {
                let lookup = Lookup {
                    query: format!("select m.id from {read} m"),
                    returns: Type::Int8,
                    table: named(read),
                };
                expr.lookups.insert(lookup.name("public", of, "id"), lookup);
            }
        }
        asking
    };
    let looked_up = |posts: &[&str], users: Policy| {
        let mut schema = sample();
        policy(table(&mut schema, "post"), "p", asking("post", posts));
        policy(table(&mut schema, "user"), "u", users);
        settle_lookups(&mut schema);
        let findings: Vec<String> = (verify(&schema).into_iter())
            .map(|finding| finding.message)
            .collect();
        let looked_up = schema.lookups().into_values();
        let tables: Vec<_> = looked_up.map(|(lookup, _)| lookup.table.clone()).collect();
        (tables, findings)
    };
    let (user, post) = (named("user"), named("post"));
    let none: [String; 0] = [];
    let plain = || reading("app", &[]);
    // Its own rows, and those of a table whose policies lead to nothing.
    assert_eq!(
        looked_up(&["post"], plain()),
        (vec![post.clone()], none.to_vec())
    );
    assert_eq!(looked_up(&["user"], plain()), (vec![], none.to_vec()));
    // In a circle each goes by a function where it can, and where one cannot the other does.
    let both = looked_up(&["user"], asking("user", &["post"]));
    assert_eq!(both, (vec![user.clone(), post], none.to_vec()));
    let raw = looked_up(&["user"], reading("app", &["post"]));
    assert_eq!(raw, (vec![user], none.to_vec()));
    // What leads to a circle is no part of it.
    let beside = looked_up(&["user"], asking("user", &["user"]));
    assert_eq!(beside, (vec![named("user")], none.to_vec()));
}

#[test]
fn policies_lead_back_for_one_role_and_by_what_is_read_alone() {
    let lookup = || Lookup {
        query: "select m.id from public.\"user\" m".into(),
        returns: Type::Int8,
        table: named("user"),
    };
    let post_reads_user = |users: &[(&str, Policy)]| {
        let mut schema = sample();
        let mut asking = reading("app", &["user"]);
        let expr = asking.using.as_mut().expect("it has one");
        expr.lookups
            .insert(lookup().name("public", "post", "id"), lookup());
        policy(table(&mut schema, "post"), "p", asking);
        for (name, own) in users {
            policy(table(&mut schema, "user"), name, own.clone());
        }
        settle_lookups(&mut schema);
        let findings = verify(&schema).into_iter();
        let messages: Vec<String> = findings.map(|finding| finding.message).collect();
        (schema.lookups().len(), messages)
    };
    let none: Vec<String> = Vec::new();
    let plain = || ("u", reading("app", &[]));
    assert_eq!(post_reads_user(&[plain()]), (0, none.clone()));
    // What another role reads, and what is asked of a row that is written.
    let ops = reading("ops", &["post"]);
    assert_eq!(post_reads_user(&[plain(), ("ops", ops)]).0, 0);
    let written = Policy {
        command: Some(Command::Insert),
        check: reading("app", &["post"]).using,
        using: None,
        ..reading("app", &[])
    };
    // That one leads back itself: raw SQL, which no function looks up.
    let (functions, messages) = post_reads_user(&[plain(), ("w", written)]);
    assert_eq!(functions, 0);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(
        messages[0].starts_with("policy `w` on `user` reads `post`"),
        "{messages:?}"
    );
    // Whatever way raw SQL writes the name.
    for bare in [
        "post",
        "POST",
        "\"post\"",
        "public.post",
        "public.\"post\"",
        "PUBLIC.post",
    ] {
        let mut raw = reading("app", &[]);
        let sql = format!("exists (select from {bare} p)");
        raw.using = Some(crate::raw::expression(&sql, "user", &[]).expect("SQL"));
        assert_eq!(post_reads_user(&[("u", raw)]), (1, none.clone()), "{bare}");
    }
}

#[test]
fn one_table_may_be_looked_up_and_read() {
    let mut schema = sample();
    let query = "select m.id from public.post m where m.id = 1";
    let mut asking = reading("app", &["post"]);
    let expr = asking.using.as_mut().expect("it has one");
    expr.sql = format!(
        "author_id = any (array({query})) or author_id = any (array(select m.id from public.post m where m.day = 1))"
    );
    let lookup = Lookup {
        query: query.into(),
        returns: Type::Int8,
        table: named("post"),
    };
    expr.lookups
        .insert(lookup.name("public", "post", "id"), lookup);
    policy(table(&mut schema, "post"), "p", asking);
    settle_lookups(&mut schema);
    let findings: Vec<String> = (verify(&schema).into_iter())
        .map(|finding| finding.message)
        .collect();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].contains("reads `post`, whose policies read `post` again"),
        "{findings:?}"
    );
}

/// What is said of a policy on `post` with that text, for a role that reads of `user` its `id` alone, and `post` whole.
fn hidden(sql: &str) -> Vec<String> {
    found(|schema| {
        table(schema, "user").columns[1].name = "user".into();
        for column in ["club", "Day"] {
            let column = crate::schema::Column::new(column, Type::Text);
            table(schema, "user").columns.push(column.clone());
            table(schema, "post").columns.push(column);
        }
        let columns = [(Command::Select, ["id".to_owned()].into())];
        let users = &mut table(schema, "user").column_grants;
        users.insert("app".into(), columns.into());
        let mut asking = reading("app", &["user", "post"]);
        if let Some(expr) = &mut asking.using {
            expr.sql = sql.into();
        }
        policy(table(schema, "post"), "p", asking);
        // What leads back is said elsewhere.
    })
    .into_iter()
    .filter_map(|message| {
        let (_, rest) = message.split_once("policy `p` on `post` reads `")?;
        let (column, _) =
            rest.split_once("` of `user` as role `app`, which may read other columns only")?;
        Some(column.to_owned())
    })
    .collect()
}

#[test]
fn a_column_is_read_of_the_table_whose_row_it_stands_behind() {
    let membership = |column: &str, table: &str| {
        format!("id = any (array(select m.{column} from public.{table} m where m.id = 1))")
    };
    let user = "\"user\"";
    // A table called as its column, and a column of that name in the membership of another.
    assert_eq!(hidden(&membership("id", user)), [""; 0]);
    assert_eq!(hidden(&membership("club", user)), ["club"]);
    let both = format!(
        "{} and {}",
        membership("id", user),
        membership("club", "post")
    );
    assert_eq!(hidden(&both), [""; 0]);
    let both = format!(
        "{} and {}",
        membership("club", user),
        membership("id", "post")
    );
    assert_eq!(hidden(&both), ["club"]);
    // Raw SQL.
    let all = ["user", "club", "Day"];
    for (sql, told) in [
        (
            "exists (select from public.\"user\" p where p.\"club\" = 'a')",
            &["club"][..],
        ),
        (
            "exists (select from public.\"user\" as P where p.\"Day\" = 'a')",
            &["Day"],
        ),
        (
            "exists (select from public.\"user\" p where p.day = 'a')",
            &[],
        ),
        (
            "exists (select from \"user\" where \"user\".CLUB = 'a')",
            &["club"],
        ),
        (
            "exists (select from \"user\" p where (p).club = 'a')",
            &["club"],
        ),
        ("exists (select from \"user\" p where (p).id = 1)", &[]),
        (
            "exists (select from post p join \"user\" u on u.club = p.club)",
            &["club"],
        ),
        (
            "exists (select from \"user\" u, post p where p.club = 'a' and u.id = 1)",
            &[],
        ),
        (
            "exists (select from \"user\" u where u.id in (select u.club from post u))",
            &[],
        ),
        (
            "exists (select from \"user\" u where exists (select from post p where p.club = u.club))",
            &["club"],
        ),
        (
            "exists (select u.club from post u union select u.id from \"user\" u)",
            &[],
        ),
        (
            "exists (with u as (select from post) select u.club from \"user\" u)",
            &[],
        ),
        ("exists (select p.* from \"user\" p)", &all),
        ("exists (select p from \"user\" p where p.id = 1)", &all),
        (
            "exists (select from \"user\" p where to_json(p)::text = '')",
            &all,
        ),
        ("exists (select p.id p from \"user\" p)", &[]),
        ("exists (select club from \"user\" club)", &[]),
        (
            "post.club = 'a' and exists (select count(*) from \"user\" u where post.club = 'a')",
            &[],
        ),
    ] {
        assert_eq!(hidden(sql), told, "{sql}");
    }
}

#[test]
fn a_function_gives_out_what_each_of_its_callers_may_read() {
    let told = |columns: &[&str], asked: &str| {
        let mut schema = sample();
        let query = format!("select m.{asked} from public.\"user\" m where m.id = 1");
        let mut asking = reading("app", &["user"]);
        let lookup = Lookup {
            query: query.clone(),
            returns: Type::Text,
            table: named("user"),
        };
        if let Some(expr) = &mut asking.using {
            expr.sql = format!("tags = any (array({query}))");
            expr.lookups
                .insert(lookup.name("public", "user", asked), lookup);
        }
        let users = table(&mut schema, "user");
        policy(users, "u", asking);
        if !columns.is_empty() {
            users.grants.clear();
            let columns = columns.iter().map(|column| (*column).to_owned()).collect();
            let commands = [(Command::Select, columns)];
            users.column_grants.insert("app".into(), commands.into());
        }
        settle_lookups(&mut schema);
        assert_eq!(schema.lookups().len(), 1);
        let findings = verify(&schema).into_iter();
        findings.map(|finding| finding.message).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(told(&[], "tags"), none);
    assert_eq!(told(&["tags"], "tags"), none);
    // What it compares alone it gives to nobody.
    assert_eq!(told(&["id", "tags"], "tags"), none);
    assert_eq!(
        told(&["id"], "tags"),
        [
            "policy `u` on `user` looks up `tags` of `user` by a function that role `app` may call, which gives it a \
             column that it may not read; name `tags` in the `columns` of that role's `select` policy, or compare \
             with a column that it may read"
        ]
    );
}
