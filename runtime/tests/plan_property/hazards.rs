//! What PostgreSQL does while a script runs, against what the script's hazards say.

use std::collections::{BTreeMap, BTreeSet};

use tabellion_sql::plan::{Hazard, LockMode, Plan, Script};
use tabellion_sql::schema::QualifiedName;
use tokio_postgres::Client;

/// A table or a partition at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    pub(crate) name: QualifiedName,
    /// The partitioned table that it is a part of.
    parent: Option<u32>,
    file: u32,
    scans: i64,
    index_scans: i64,
}

/// The relations by their number, which no renaming changes.
pub(crate) type Relations = BTreeMap<u32, Relation>;

/// Reads the catalog, within the script's transaction or before it. The numbers of scans are those of
/// this connection.
pub(crate) async fn relations(client: &Client) -> Relations {
    // A foreign key may be checked by an index: rows fetched so count too, and scans that may find none.
    let text = format!(
        "select c.oid, n.nspname::text, c.relname::text, i.inhparent, c.relfilenode,
           pg_stat_get_xact_numscans(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid),
           (select coalesce(sum(pg_stat_get_xact_numscans(indexrelid)), 0)::int8
            from pg_index where indrelid = c.oid)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         left join pg_inherits i on i.inhrelid = c.oid
         where c.relkind in ('r', 'p') and n.nspname in ({})",
        crate::database::namespaces()
    );
    let rows = client.query(&text, &[]).await.expect("the relations");
    rows.iter()
        .map(|row| {
            let relation = Relation {
                name: QualifiedName::new(row.get::<_, String>(1), row.get::<_, String>(2)),
                parent: row.get(3),
                file: row.get(4),
                scans: row.get(5),
                index_scans: row.get(6),
            };
            (row.get(0), relation)
        })
        .collect()
}

/// The strongest lock on each relation that this transaction holds, those left out that every reader
/// and writer of rows takes.
pub(crate) async fn locks(client: &Client) -> BTreeMap<u32, LockMode> {
    let pid = client.query_one("select pg_backend_pid()", &[]).await;
    let pid: i32 = pid.expect("a process").get(0);
    locks_of(client, pid).await
}

/// The same of another session.
async fn locks_of(client: &Client, pid: i32) -> BTreeMap<u32, LockMode> {
    let text = "select relation, mode from pg_locks
                where pid = $1 and locktype = 'relation' and granted";
    let mut locks = BTreeMap::new();
    for row in client.query(text, &[&pid]).await.expect("the locks") {
        let mode = match row.get::<_, &str>(1) {
            "ShareUpdateExclusiveLock" => LockMode::ShareUpdateExclusive,
            "ShareLock" => LockMode::Share,
            "ShareRowExclusiveLock" => LockMode::ShareRowExclusive,
            "ExclusiveLock" | "AccessExclusiveLock" => LockMode::AccessExclusive,
            _ => continue,
        };
        let strongest = locks.entry(row.get(0)).or_insert(mode);
        *strongest = mode.max(*strongest);
    }
    locks
}

/// Compares what a script said with what it did. `before` and `after` are of one connection, just
/// before the script and just before its commit.
pub(crate) fn compare(
    plan: &Plan,
    before: &Relations,
    after: &Relations,
    held: &BTreeMap<u32, LockMode>,
    owner: bool,
) -> Vec<String> {
    let hazards = plan.hazards();
    let mut wrong = Vec::new();
    for (oid, relation) in before {
        let later = after.get(oid);
        let mut names = BTreeSet::from([&relation.name]);
        names.extend(later.map(|later| &later.name));
        let parent = relation.parent;
        let parents = [before, after]
            .into_iter()
            .filter_map(|at| parent.and_then(|oid| at.get(&oid)))
            .map(|relation| &relation.name);
        let parents: BTreeSet<&QualifiedName> = parents.collect();
        let said_lock = |names: &BTreeSet<&QualifiedName>| {
            let modes = hazards.iter().filter_map(|hazard| match hazard {
                Hazard::Locks(mode, table) if names.contains(table) => Some(*mode),
                _ => None,
            });
            modes.max()
        };
        let (own, above) = (said_lock(&names), said_lock(&parents));
        let actual = held.get(oid).copied();
        // What is done to a partitioned table may be done to its partitions, and a label of the whole
        // stands for them.
        if actual > own.max(above) || own > actual {
            // Only an owner who cannot see the rows lifts FORCE to have them checked, which nothing but
            // the running script can know: the label is of what happens then.
            let spared = !owner && lifts_force(plan, &relation.name) && actual < own;
            if !spared {
                wrong.push(format!(
                    "{} is locked {:?}, and the label is {:?}",
                    relation.name, actual, own
                ));
            }
        }
        let says = |names: &BTreeSet<&QualifiedName>, rewrites: bool| {
            hazards.iter().any(|hazard| match hazard {
                Hazard::Rewrites(table) => names.contains(table),
                Hazard::Scans(table) => !rewrites && names.contains(table),
                _ => false,
            })
        };
        let Some(later) = later else {
            continue;
        };
        // A partitioned table has no file of its own; its partitions show what is done to it.
        let rewritten = relation.file != later.file;
        let labelled = says(&names, true) || says(&parents, true);
        if relation.file != 0 && rewritten != labelled {
            wrong.push(format!(
                "{} is {}rewritten, and the label says otherwise",
                relation.name,
                if rewritten { "" } else { "not " }
            ));
        }
        let scanned = later.scans > relation.scans || later.index_scans > relation.index_scans;
        let labelled = says(&names, false) || says(&parents, false);
        // Of the two ends of a foreign key the label names the one whose rows are checked; the other is
        // looked up.
        let body = plan.body();
        let looked_up = || body.contains("foreign key") || body.contains("validate");
        if scanned && !labelled && !looked_up() {
            wrong.push(format!(
                "{} is scanned, and no label says so",
                relation.name
            ));
        }
        let kept = relation.file != 0 && !parents.iter().any(|name| **name == relation.name);
        // The highest number of a column may come from an index, and so may whoever references a partition.
        let highest = || body.contains("pg_catalog.setval(") || body.contains("detach partition");
        if labelled && !scanned && kept && says(&names, false) && !highest() {
            wrong.push(format!(
                "{} is not scanned, and a label says so",
                relation.name
            ));
        }
    }
    wrong
}

fn lifts_force(plan: &Plan, name: &QualifiedName) -> bool {
    plan.steps().any(|step| {
        step.sql.starts_with("do $$") && step.sql.contains(&format!("alter table {name} no force"))
    })
}

/// Runs a statement that may not run in a transaction; what locks another session has seen it hold.
pub(crate) async fn watch(
    client: &Client,
    sql: &str,
    watcher: &Client,
) -> Result<BTreeMap<u32, LockMode>, tokio_postgres::Error> {
    let pid = client.query_one("select pg_backend_pid()", &[]).await?;
    let pid: i32 = pid.get(0);
    let mut seen = BTreeMap::new();
    let mut running = std::pin::pin!(client.batch_execute(sql));
    loop {
        tokio::select! {
            ended = &mut running => return ended.map(|()| seen),
            locks = locks_of(watcher, pid) => {
                for (relation, mode) in locks {
                    let strongest = seen.entry(relation).or_insert(mode);
                    *strongest = mode.max(*strongest);
                }
            }
        }
    }
}

/// Compares what a statement said with what was seen of it: no lock was stronger, and no row was written.
pub(crate) fn compare_seen(
    plan: &Plan,
    before: &Relations,
    after: &Relations,
    seen: &BTreeMap<u32, LockMode>,
) -> Vec<String> {
    let hazards = plan.hazards();
    let mut wrong = Vec::new();
    for (oid, relation) in before {
        let said = hazards.iter().filter_map(|hazard| match hazard {
            Hazard::Locks(mode, table) if *table == relation.name => Some(*mode),
            _ => None,
        });
        let (said, seen) = (said.max(), seen.get(oid).copied());
        if seen > said {
            let name = &relation.name;
            wrong.push(format!(
                "{name} is locked {seen:?}, and the label is {said:?}"
            ));
        }
        if after
            .get(oid)
            .is_none_or(|later| later.file != relation.file)
        {
            wrong.push(format!(
                "{} is rewritten, outside a transaction",
                relation.name
            ));
        }
    }
    wrong
}

/// How many rows each role sees, and what it may do beside, by relation and role.
pub(crate) type Access = BTreeMap<(u32, String), (i64, BTreeSet<String>)>;

pub(crate) async fn access(client: &Client) -> Access {
    let roles: Vec<String> = crate::names::ROLES
        .iter()
        .map(|role| (*role).to_owned())
        .collect();
    let text = format!(
        "select c.oid::text, r, helper.visible(r, c.oid),
           concat_ws(',', case when has_table_privilege(r, c.oid, 'select') then 'select' end,
             case when has_table_privilege(r, c.oid, 'insert') then 'insert' end,
             case when has_table_privilege(r, c.oid, 'update') then 'update' end,
             case when has_table_privilege(r, c.oid, 'delete') then 'delete' end,
             case when has_table_privilege(r, c.oid, 'truncate') then 'truncate' end)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace,
           unnest(array[{}]) r
         where c.relkind in ('r', 'p') and n.nspname in ({})",
        roles
            .iter()
            .map(|r| tabellion_sql::ident::quote_literal(r))
            .collect::<Vec<_>>()
            .join(", "),
        crate::database::namespaces()
    );
    let mut access = Access::new();
    for message in client.simple_query(&text).await.expect("the access") {
        if let tokio_postgres::SimpleQueryMessage::Row(row) = message
            && row.len() == 4
        {
            let text = |i: usize| row.get(i).unwrap_or_default().to_owned();
            let oid = text(0).parse().expect("a number");
            let may: BTreeSet<String> = text(3)
                .split(',')
                .filter(|m| !m.is_empty())
                .map(str::to_owned)
                .collect();
            let sees: i64 = text(2).parse().expect("a number");
            // Whoever may not look sees as much as whoever finds nothing. Who may look and gets an
            // error has a policy that reads what is closed to the role: nothing to compare with.
            if sees >= 0 || !may.contains("select") {
                access.insert((oid, text(1)), (sees.max(0), may));
            }
        }
    }
    access
}

/// Whoever sees more rows, or may do more, must have been announced; and so must be who sees fewer.
pub(crate) fn compare_access(
    script: &Script,
    relations: &Relations,
    later: &Relations,
    before: &Access,
    after: &Access,
) -> Vec<String> {
    let hazards = script.hazards();
    let mut wrong = Vec::new();
    for ((oid, role), (saw, could)) in before {
        let (Some(relation), Some((sees, can))) =
            (relations.get(oid), after.get(&(*oid, role.clone())))
        else {
            continue;
        };
        let mut names = vec![relation.name.clone()];
        names.extend(later.get(oid).map(|relation| relation.name.clone()));
        names.extend(
            relation
                .parent
                .and_then(|oid| later.get(&oid))
                .map(|r| r.name.clone()),
        );
        let about = |object: &str| {
            names
                .iter()
                .any(|name| object.ends_with(&format!(" on {name}")))
        };
        // A policy may read another table: what is opened there opens this one too.
        let widens = |hazard: &Hazard| matches!(hazard, Hazard::WidensAccess(_));
        let reads_others = hazards.iter().any(widens);
        let opened = hazards.iter().any(|hazard| match hazard {
            Hazard::WidensAccess(subject) => about(&subject.object),
            _ => false,
        });
        let closed = hazards.iter().any(|hazard| {
            matches!(
                hazard,
                Hazard::NarrowsAccess(_) | Hazard::LosesData(_) | Hazard::WidensAccess(_)
            )
        });
        let more = can.difference(could).next();
        if (sees > saw && !opened && !reads_others) || (more.is_some() && !opened) {
            wrong.push(format!(
                "`{role}` sees {sees} rows of {} after {saw}, may {can:?} after {could:?}, and no label \
                 says that access is wider",
                relation.name
            ));
        }
        let fewer = could.difference(can).next();
        if (sees < saw || fewer.is_some()) && !closed {
            wrong.push(format!(
                "`{role}` sees {sees} rows of {} after {saw}, may {can:?} after {could:?}, and no label \
                 says that access is narrower",
                relation.name
            ));
        }
    }
    wrong
}
