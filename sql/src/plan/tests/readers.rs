//! What a change of one table does to the policies of others that read it.

use super::access::open;
use super::*;

/// A table of banned people, which some predicate reads, a second one that another reads, and what is told of the
/// change of the first one's policy.
fn told_of_readers(was: &str, is: &str, reader: &str, second: &str) -> Vec<String> {
    let tables = || {
        ["public.banned", "public.notes"]
            .map(str::to_owned)
            .into_iter()
    };
    let policy = |sql: &str| Policy {
        command: Some(Command::Select),
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: Some(Expr {
            tables: tables().filter(|it| sql.contains(it.as_str())).collect(),
            ..Expr::new(sql, ["level"])
        }),
        check: None,
    };
    let with = |policy| Table {
        rls: Rls::Enabled(BTreeMap::from([("see".to_owned(), policy)])),
        ..open()
    };
    let side = |rule: &str| {
        let mut schema = schema(with(policy(reader)));
        for (name, policy) in [("banned", policy(rule)), ("threads", policy(second))] {
            let name = QualifiedName::new("public", name);
            schema.tables.insert(name, with(policy));
        }
        schema
    };
    let pairs = migrations(
        &side(was),
        &side(is),
        &Renames::default(),
        &Settings::default(),
    );
    let pairs = pairs.expect("no question");
    let hazards = pairs.iter().flat_map(|pair| pair.up.hazards());
    let told = hazards.map(|hazard| hazard.to_string());
    let mut told: Vec<String> = told
        .filter(|told| told.ends_with(": policy see on public.banned changes"))
        .collect();
    told.sort();
    told
}

#[test]
fn who_reads_what_a_policy_hides_from_now_on_may_let_more_through() {
    let banned = "shop = any (array(select b.shop from public.banned b where b.level = 1))";
    let notes = "shop = any (array(select n.shop from public.notes n where n.level = 1))";
    let (more, fewer) = ("level > 0", "level > 5");
    let wider = |table: &str| {
        format!("widens-access: policy see on public.{table}: policy see on public.banned changes")
    };
    let none: [String; 0] = [];
    let not = |of: &str| format!("level > 0 and not {of}");
    assert_eq!(told_of_readers(more, fewer, banned, notes), none);
    assert_eq!(told_of_readers(more, more, &not(banned), notes), none);
    assert_eq!(
        told_of_readers(more, fewer, &not(banned), "level > 0"),
        [wider("notes")]
    );
    // What it shows, and what it hides, others read in turn.
    let both = [wider("notes"), wider("threads")];
    assert_eq!(told_of_readers(more, fewer, &not(banned), notes), both);
    assert_eq!(told_of_readers(fewer, more, banned, notes), both);
    assert_eq!(
        told_of_readers(more, fewer, banned, &not(notes)),
        [wider("threads")]
    );
}
