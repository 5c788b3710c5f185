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
            tables: tables
                .iter()
                .map(|table| named(table).to_string())
                .collect(),
            ..Expr::new("exists (select)", ["id"])
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
                    table: named(read).to_string(),
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
        let tables: Vec<String> = looked_up.map(|(lookup, _)| lookup.table.clone()).collect();
        (tables, findings)
    };
    let (user, post) = (named("user").to_string(), named("post").to_string());
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
    assert_eq!(beside, (vec![named("user").to_string()], none.to_vec()));
}

#[test]
fn policies_lead_back_for_one_role_and_by_what_is_read_alone() {
    let lookup = || Lookup {
        query: "select m.id from public.\"user\" m".into(),
        returns: Type::Int8,
        table: named("user").to_string(),
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
        let expr = raw.using.as_mut().expect("it has one");
        expr.tables.insert(bare.into());
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
        table: named("post").to_string(),
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
