//! What a policy is told to do that comes in place of another one.

use super::access::{of_access, open};
use super::*;

/// A policy of one command, or of all, which has one predicate for what it reaches and what it writes.
fn policy(command: Option<Command>, sql: &str) -> Policy {
    let names = ["shop", "level", "at"].into_iter();
    let expr = || {
        Some(Expr::new(
            sql,
            names.clone().filter(|name| sql.contains(name)),
        ))
    };
    Policy {
        command,
        restrictive: false,
        roles: BTreeSet::from(["app".to_owned()]),
        using: expr().filter(|_| command != Some(Command::Insert)),
        check: expr().filter(|_| !matches!(command, Some(Command::Select | Command::Delete))),
    }
}

fn with<const N: usize>(policies: [(&str, Policy); N]) -> Table {
    let policies = policies.map(|(name, policy)| (name.to_owned(), policy));
    Table {
        rls: Rls::Enabled(BTreeMap::from(policies)),
        ..open()
    }
}

fn wider(from: &Table, to: &Table) -> Vec<String> {
    let mut told = of_access(from, to);
    told.retain(|told| told.starts_with("widens-access: "));
    told
}

const NEW: &str = "widens-access: policy new on public.notes: new";
const DROPPED: &str = "widens-access: policy old on public.notes: dropped";

#[test]
fn a_new_policy_that_one_before_it_covers_opens_nothing() {
    let select = |sql| policy(Some(Command::Select), sql);
    let insert = |sql| policy(Some(Command::Insert), sql);
    let all = |sql| policy(None, sql);
    let told = |old: Policy, new: Policy| wider(&with([("old", old)]), &with([("new", new)]));
    let none: [&str; 0] = [];
    assert_eq!(told(select("level > 0"), select("level > 5")), none);
    assert_eq!(told(all("level > 0"), insert("level > 0")), none);
    assert_eq!(
        told(all("level > 0"), insert("level > 0 and shop = 's'")),
        none
    );
    let split = [("old", select("level > 0")), ("new", insert("level > 0"))];
    assert_eq!(
        wider(&with([("old", all("level > 0"))]), &with(split)),
        none
    );
    // More rows, more commands, more roles, or nobody knows.
    assert_eq!(told(select("level > 5"), select("level > 0")), [NEW]);
    assert_eq!(told(select("level > 0"), all("level > 0")), [NEW]);
    assert_eq!(told(select("level > 0"), insert("level > 0")), [NEW]);
    assert_eq!(
        told(select("own.sees()"), select("own.sees() and level > 0")),
        [NEW]
    );
    let mut others = select("level > 0");
    others.roles.insert("ops".into());
    assert_eq!(told(select("level > 0"), others.clone()), [NEW]);
    assert_eq!(told(others, select("level > 0")), none);
    // What takes away lets nobody in.
    let mut restrictive = select("level > 0");
    restrictive.restrictive = true;
    assert!(told(restrictive, select("level > 0")).contains(&NEW.to_owned()));
}

#[test]
fn a_literal_that_is_read_anew_is_another_value_in_the_same_words() {
    let told = |to: [(&str, Policy); 1], sql: &str| {
        let at = |mut table: Table| {
            table
                .columns
                .push(Column::new("at", Type::Timestamptz(None)));
            table
        };
        wider(&at(with([("old", policy(None, sql))])), &at(with(to)))
    };
    let sql = "level > 0 and at < '2024-01-01'";
    let of_insert = |sql| policy(Some(Command::Insert), sql);
    let zoned = sql.replace("-01'", "-01 00:00+00'");
    assert_eq!(told([("new", of_insert(&zoned))], &zoned), [""; 0]);
    assert_eq!(told([("new", of_insert(sql))], sql), [NEW]);
    // ALTER POLICY writes both clauses anew, be it only one that changes, or the roles.
    let mut checked = policy(None, sql);
    checked.check = Some(Expr::new("level > 5", ["level"]));
    let mut fewer = policy(None, sql);
    fewer.roles = BTreeSet::from(["ops".to_owned()]);
    for changed in [checked, fewer] {
        let undecided = "widens-access: policy old on public.notes: changed, not decided: '2024-01-01' is read anew, \
                         when and where the policy is made";
        assert_eq!(told([("old", changed)], sql), [undecided]);
    }
    assert_eq!(told([("old", policy(None, sql))], sql), [""; 0]);
}

#[test]
fn of_what_a_new_policy_reads_elsewhere_and_of_what_changes_under_it_nothing_is_claimed() {
    let select = |sql| policy(Some(Command::Select), sql);
    let member = "shop = any (array(select m.shop from public.members m where m.level = 1))";
    let reading = |more: &str| {
        let mut policy = policy(Some(Command::Select), &format!("{member}{more}"));
        let using = policy.using.as_mut().expect("an expression");
        using
            .tables
            .insert(QualifiedName::new("public", "members").into());
        policy
    };
    let (from, to) = (
        with([("old", reading(""))]),
        with([("new", reading(" and level > 0"))]),
    );
    assert_eq!(wider(&from, &to), [NEW]);
    let changes: [fn(&mut Column); 3] = [
        |column| column.ty = Type::Int8,
        |column| column.default = Some("7".into()),
        |column| column.computed = Some(Expr::new("length(shop)", ["shop"])),
    ];
    for change in changes {
        let from = with([("old", select("level > 0"))]);
        let mut to = with([("new", select("level > 5"))]);
        change(&mut to.columns[1]);
        let told = wider(&from, &to);
        assert!(told.contains(&NEW.to_owned()), "{told:?}");
    }
}

#[test]
fn a_restrictive_policy_that_goes_where_one_takes_away_as_much_opens_nothing() {
    let restrictive = |command, sql| Policy {
        restrictive: true,
        ..policy(command, sql)
    };
    let select = |sql| restrictive(Some(Command::Select), sql);
    let told = |old: Policy, new: Policy| wider(&with([("old", old)]), &with([("new", new)]));
    let none: [&str; 0] = [];
    assert_eq!(told(select("level > 0"), select("level > 5")), none);
    assert_eq!(
        told(select("level > 0"), restrictive(None, "level > 0")),
        none
    );
    assert_eq!(told(select("level > 5"), select("level > 0")), [DROPPED]);
    assert_eq!(
        told(restrictive(None, "level > 0"), select("level > 0")),
        [DROPPED]
    );
    let mut others = select("level > 0");
    others.roles.insert("ops".into());
    assert_eq!(told(others.clone(), select("level > 0")), [DROPPED]);
    assert_eq!(told(select("level > 0"), others), none);
    let mut permissive = select("level > 0");
    permissive.restrictive = false;
    assert!(told(select("level > 0"), permissive).contains(&DROPPED.to_owned()));
}
