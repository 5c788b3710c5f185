//! Every kind of fact, and every pair of changes that two branches may make of two neighbours of that kind:
//! the merge holds what both leave, or says who did what and what to do.

mod kinds;

use super::super::{NewPair, schema_checksum};
use super::*;
use crate::file::Document;
use kinds::{KINDS, Kind, of};

/// Seals one schema after the other behind a base.
fn sealed(base: &Lock, second: usize, name: &str, schemas: &[Schema]) -> Lock {
    let mut lock = base.clone();
    for (index, schema) in schemas.iter().enumerate() {
        let pair = NewPair {
            version: format!("202601010000{second:02}").replace("0000", &format!("00{index:02}")),
            up: Document::parse("select 1;\n").unwrap(),
            down: Document::parse("select 2;\n").unwrap(),
            schema: Some(schema_checksum(schema)),
        };
        lock.seal(name, vec![pair], schema.clone()).unwrap();
    }
    lock
}

/// A schema whose columns stand in the order of their names: who counted which is another question.
fn sorted(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    for table in schema.tables.values_mut() {
        table.columns.sort_by(|a, b| a.name.cmp(&b.name));
    }
    for external in schema.externals.values_mut() {
        external.columns.sort_by(|a, b| a.name.cmp(&b.name));
    }
    schema
}

/// What both leave of a neighbour; none where they contradict each other.
fn both(base: usize, left: usize, right: usize) -> Option<usize> {
    match (base == left, base == right) {
        (true, _) => Some(right),
        (_, true) => Some(left),
        _ => (left == right).then_some(left),
    }
}

/// States that a kind tells apart: some have one neighbour only, or one state beside 0.
fn states(kind: &str, [one, other]: [usize; 2]) -> [usize; 2] {
    match kind {
        "primary key" | "predicate" | "how it is partitioned" => [0, other],
        "when it is checked" => [one, other.min(1)],
        "external schema" => [one.min(1), other.min(1)],
        "row-level security" if one > 0 => [one, 0],
        _ => [one, other],
    }
}

/// The states of two neighbours that a branch may lead to.
fn ends(kind: &str, base: [usize; 2]) -> BTreeSet<[usize; 2]> {
    let all = (0..9).map(|index| states(kind, [index / 3, index % 3]));
    all.filter(|states| *states != base).collect()
}

/// Merges two branches and chains them, whichever comes first: the schema that both lead to, and whether they
/// lead there one after the other.
fn merged(left: &Lock, right: &Lock) -> Result<Schema, String> {
    let text = format!("{}{}", left.to_text(), right.to_text());
    let lock = Lock::merged(&text).map_err(|error| error.to_string())?;
    let schemas = lock.schemas(&text).map_err(|error| error.to_string())?;
    for (first, second) in [(left, right), (right, left)] {
        let mut at = first.schema.clone();
        for (version, link) in &second.migrations {
            if first.migrations.get(version) == Some(link) {
                continue;
            }
            let sum = Some(link.checksum(version));
            at = carried(&at, &schemas[&link.parent], &schemas[&sum])
                .ok_or_else(|| format!("this does not fit behind the other branch; {WAY_OUT}"))?;
        }
        if sorted(&at) != sorted(&lock.schema) {
            return Err(format!(
                "these do not lead to the schema of both; {WAY_OUT}"
            ));
        }
    }
    Ok(lock.schema)
}

/// What is wrong with a refusal.
fn is_for_people(said: &str) -> bool {
    !said.contains("missing field")
        && !said.contains("restore")
        && said.contains("_left.sql`")
        && said.contains("_right.sql`")
        && said.ends_with(WAY_OUT)
}

/// What two branches leave of a kind; none where they contradict each other.
fn left_by(kind: &Kind, base: [usize; 2], ends: [[usize; 2]; 2]) -> Option<Schema> {
    let [left, right] = ends;
    let is_off = |states: [usize; 2]| kind.0 == "row-level security" && states[0] > 0;
    if is_off(left) != is_off(right) {
        return None; // the one changed policies that the other turned off
    }
    let [one, other] = [0, 1].map(|it| both(base[it], left[it], right[it]));
    Some(of(kind, [one?, other?]))
}

/// Tries every pair of ends, the left one by way of another state, where one is given, and tells what is wrong.
/// The right one is sealed so many seconds later.
fn try_all(by_way_of: Option<[usize; 2]>, later: usize) {
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in KINDS {
        let bases: BTreeSet<[usize; 2]> = [[0, 0], [1, 0], [0, 1], [1, 1]]
            .map(|base| states(kind.0, base))
            .into();
        for at in bases {
            let base = sealed(&Lock::default(), 0, "base", &[of(kind, at)]);
            let way = by_way_of.map(|way| states(kind.0, way));
            if way == Some(at) {
                continue;
            }
            let ends = ends(kind.0, at);
            let rights: Vec<_> = ends
                .iter()
                .map(|end| (*end, sealed(&base, 1 + later, "right", &[of(kind, *end)])))
                .collect();
            for l in &ends {
                let way = way.filter(|way| way != l).into_iter().chain([*l]);
                let way: Vec<Schema> = way.map(|states| of(kind, states)).collect();
                let left = sealed(&base, 1, "left", &way);
                for (r, right) in &rights {
                    let expected = left_by(kind, at, [*l, *r]);
                    let what = match (merged(&left, right), expected) {
                        (Ok(found), Some(both)) if sorted(&found) == sorted(&both) => {
                            continue;
                        }
                        (Ok(_), _) => "holds something else".to_owned(),
                        (Err(said), None) if is_for_people(&said) => continue,
                        // A list is one fact, and not every way there is one behind another branch.
                        (Err(said), Some(_))
                            if is_for_people(&said) && kind.0 == "external schema"
                                || by_way_of.is_some() && said.ends_with(WAY_OUT) =>
                        {
                            continue;
                        }
                        (Err(said), _) => format!("says {said}"),
                    };
                    let group = format!("{} {}", kind.0, what.split('`').next().unwrap_or(&what));
                    let case = format!("{at:?} -> {l:?} and {r:?}: {what}");
                    wrong.entry(group).or_default().push(case);
                }
            }
        }
    }
    let shown: Vec<String> = wrong
        .iter()
        .map(|(group, cases)| format!("{group}: {}, such as {}", cases.len(), cases[0]))
        .collect();
    assert!(wrong.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn a_merge_holds_what_both_leave_or_says_who_did_what() {
    try_all(None, 1);
}

#[test]
fn so_it_does_whatever_a_branch_did_on_the_way() {
    try_all(Some([1, 1]), 1);
}

#[test]
fn so_it_does_of_what_both_sealed_in_the_same_second() {
    try_all(None, 0);
}
