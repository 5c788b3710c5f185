//! SQL of the attacker's own, through the application's login: what remains when the typed helpers
//! are out of the way.

use crate::Stop;
use crate::cast::{SHOPS, USERS};
use crate::checks::{Checks, count};
use crate::raw::{Guise, Outcome, Raw};
use crate::report::Report;
use crate::setup::Stage;
use crate::tables::Shop;
use crate::witness::{TARGETS, Target};
use tabellion::Scope;

use Outcome::{Policy, Privilege, Rows};

/// Every command on every table, in every guise that names no tenant or the wrong one.
pub(crate) async fn prove(report: &mut Report, stage: &Stage) -> Result<(), Stop> {
    let raw = Raw::connect(&stage.login_url).await?;
    attack(
        report,
        stage,
        "the login without its role",
        async |checks: &mut Checks| {
            for target in &TARGETS {
                nobody(checks, &raw, target, Guise::Login, |_| Privilege).await?;
            }
            Ok("no privilege at all")
        },
    )
    .await?;
    attack(report, stage, "no setting", async |checks: &mut Checks| {
        // A connection of its own: once set, a setting reads as empty, and never again as missing.
        let fresh = Raw::connect(&stage.login_url).await?;
        for target in &TARGETS {
            nobody(checks, &fresh, target, Guise::Role, hidden).await?;
        }
        Ok("0 rows, inserts refused")
    })
    .await?;
    attack(
        report,
        stage,
        "an empty setting",
        async |checks: &mut Checks| {
            for target in &TARGETS {
                nobody(
                    checks,
                    &raw,
                    target,
                    Guise::Setting(target.setting, ""),
                    hidden,
                )
                .await?;
            }
            Ok("0 rows, inserts refused")
        },
    )
    .await?;
    attack(
        report,
        stage,
        "a setting left over",
        async |checks: &mut Checks| {
            for target in &TARGETS {
                let own = Guise::Setting(target.setting, tenants(target)[0]);
                raw.attempt(own, &format!("select from {}", target.table))
                    .await?;
                nobody(checks, &raw, target, Guise::Role, hidden).await?;
            }
            Ok("0 rows, inserts refused")
        },
    )
    .await?;
    attack(
        report,
        stage,
        "the other tenant's name",
        async |checks: &mut Checks| {
            for target in &TARGETS {
                other(checks, &raw, target, tenants(target)).await?;
            }
            Ok("0 rows, forged rows refused")
        },
    )
    .await?;
    attack(
        report,
        stage,
        "what policies do not stop",
        async |checks: &mut Checks| {
            for target in &TARGETS {
                beyond(checks, &raw, target).await?;
            }
            Ok("no truncate, no setval, no ownership")
        },
    )
    .await?;
    sweep(report, stage, &raw).await
}

/// One attack on all tables, after which everything in them is as it was.
async fn attack(
    report: &mut Report,
    stage: &Stage,
    title: &str,
    work: impl AsyncFnOnce(&mut Checks) -> Result<&'static str, Stop>,
) -> Result<(), Stop> {
    report
        .step(title, async |checks: &mut Checks| {
            let before = stage.witness.state().await?;
            let detail = work(checks).await?;
            before.unchanged(checks, &stage.witness.state().await?);
            checks.detail(detail);
            Ok(())
        })
        .await
}

/// A tenant, and another one.
fn tenants(target: &Target) -> [&'static str; 2] {
    if target.setting == Shop::SETTINGS[0] {
        SHOPS
    } else {
        USERS
    }
}

/// A command, as attackers know it.
#[derive(Clone, Copy)]
enum Command {
    Select,
    Insert,
    Update,
    Delete,
}

/// How a command ends for whom the policies show nothing.
fn hidden((command, target): (Command, &Target)) -> Outcome {
    match command {
        Command::Select => Rows(0),
        Command::Insert => Policy,
        Command::Update | Command::Delete if target.writable => Rows(0),
        Command::Update | Command::Delete => Privilege,
    }
}

/// Every command in a guise that is nobody's.
async fn nobody(
    checks: &mut Checks,
    raw: &Raw,
    target: &Target,
    guise: Guise<'_>,
    expected: impl Fn((Command, &Target)) -> Outcome,
) -> Result<(), Stop> {
    let Target {
        table,
        tenant,
        change,
        ..
    } = target;
    let [first, _] = tenants(target);
    for (command, what, sql) in [
        (Command::Select, "select", format!("select from {table}")),
        (
            Command::Select,
            "select by tenant",
            format!("select from {table} where {tenant} = '{first}'"),
        ),
        (
            Command::Select,
            "select of nobody's rows",
            format!("select from {table} where {tenant} = ''"),
        ),
        (Command::Insert, "insert for a tenant", target.insert(first)),
        (Command::Insert, "insert for nobody", target.insert("")),
        (
            Command::Update,
            "update",
            format!("update {table} set {change}"),
        ),
        (
            Command::Update,
            "update by tenant",
            format!("update {table} set {change} where {tenant} = '{first}'"),
        ),
        (Command::Delete, "delete", format!("delete from {table}")),
        (
            Command::Delete,
            "delete by tenant",
            format!("delete from {table} where {tenant} = '{first}'"),
        ),
    ] {
        let found = raw.attempt(guise, &sql).await?;
        checks.equal(
            format_args!("{}: {what}", target.name()),
            expected((command, target)),
            found,
        );
    }
    Ok(())
}

/// One tenant with the other's name.
async fn other(
    checks: &mut Checks,
    raw: &Raw,
    target: &Target,
    [own, other]: [&str; 2],
) -> Result<(), Stop> {
    let Target {
        table,
        tenant,
        change,
        ..
    } = target;
    let write = |allowed: Outcome| if target.writable { allowed } else { Privilege };
    for (what, expected, sql) in [
        (
            "select",
            Rows(0),
            format!("select from {table} where {tenant} = '{other}'"),
        ),
        (
            "select of all but the own",
            Rows(0),
            format!("select from {table} where {tenant} <> '{own}'"),
        ),
        (
            "select for update",
            write(Rows(0)),
            format!("select from {table} where {tenant} = '{other}' for update"),
        ),
        ("insert", Policy, target.insert(other)),
        (
            "update",
            write(Rows(0)),
            format!("update {table} set {change} where {tenant} = '{other}'"),
        ),
        // Without WHERE and RETURNING, PostgreSQL does not look at the SELECT policy.
        (
            "giving all own rows away",
            write(Policy),
            format!("update {table} set {tenant} = '{other}'"),
        ),
        (
            "giving all own rows to nobody",
            write(Policy),
            format!("update {table} set {tenant} = ''"),
        ),
        (
            "delete",
            write(Rows(0)),
            format!("delete from {table} where {tenant} = '{other}'"),
        ),
    ] {
        let found = raw
            .attempt(Guise::Setting(target.setting, own), &sql)
            .await?;
        checks.equal(format_args!("{}: {what}", target.name()), expected, found);
    }
    Ok(())
}

/// What policies say nothing about: rights alone stop it.
async fn beyond(checks: &mut Checks, raw: &Raw, target: &Target) -> Result<(), Stop> {
    let table = target.table;
    let mut attempts = vec![
        ("truncate", Privilege, format!("truncate {table}")),
        (
            "disable row-level security",
            Privilege,
            format!("alter table {table} disable row level security"),
        ),
        (
            "create a policy",
            Privilege,
            format!("create policy open on {table} using (true)"),
        ),
        (
            "row_security = off",
            Policy,
            format!("set local row_security = off; select from {table}"),
        ),
    ];
    if let Some(sequence) = target.sequence {
        attempts.push((
            "setval",
            Privilege,
            format!("select setval('{sequence}', 1)"),
        ));
        attempts.push((
            "last_value",
            Privilege,
            format!("select last_value from {sequence}"),
        ));
    }
    let own = Guise::Setting(target.setting, tenants(target)[0]);
    for (what, expected, sql) in attempts {
        let found = raw.attempt(own, &sql).await?;
        checks.equal(format_args!("{}: {what}", target.name()), expected, found);
    }
    Ok(())
}

/// The worst that a tenant can do with SQL of its own: change and delete all it can reach. It
/// reaches its own rows.
async fn sweep(report: &mut Report, stage: &Stage, raw: &Raw) -> Result<(), Stop> {
    report
        .step(
            "change and delete all there is",
            async |checks: &mut Checks| {
                let before = stage.witness.state().await?;
                let mut gone = 0;
                for target in &TARGETS {
                    let Target { table, change, .. } = target;
                    let [own, _] = tenants(target);
                    let reach = match before.rows(table, own) {
                        rows if target.writable => Rows(rows),
                        _ => Privilege,
                    };
                    let guise = Guise::Setting(target.setting, own);
                    for (what, sql) in [
                        (
                            "update without a condition",
                            format!("update {table} set {change}"),
                        ),
                        ("delete without a condition", format!("delete from {table}")),
                    ] {
                        let found = raw.attempt(guise, &sql).await?;
                        checks.equal(
                            format_args!("{}: {what}", target.name()),
                            reach.clone(),
                            found,
                        );
                    }
                    if target.writable {
                        gone += before.rows(table, own);
                    }
                }
                let swept = [SHOPS[0], USERS[0]];
                let after = stage.witness.state().await?.beyond_reach_of(&swept);
                before.beyond_reach_of(&swept).unchanged(checks, &after);
                let gone = count(usize::try_from(gone).unwrap_or(usize::MAX), "own row");
                checks.detail(format!("{gone} gone, no other"));
                Ok(())
            },
        )
        .await
}
