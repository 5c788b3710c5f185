//! Maps that a lock writes where they are empty too, as `… = {}`: what one branch emptied the other may have
//! filled, and what both emptied in part neither says is empty.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::{fact, segment};

/// Of a path, how many segments lead to each such map that it is or lies in.
fn maps(path: &[String]) -> Vec<usize> {
    let from = usize::from(path.first().is_some_and(|first| first == "schema"));
    let below: Vec<&str> = path[from..].iter().map(String::as_str).collect();
    let lengths: &[usize] = match below[..] {
        ["tables", _, "rls", "enabled", ..] => &[1, 4],
        ["tables", _, "columns", ..] => &[1, 3],
        ["externals", _, "columns", ..] => &[3],
        ["tables" | "roles", ..] => &[1],
        _ => &[],
    };
    lengths.iter().map(|length| from + length).collect()
}

fn path(line: &str) -> Vec<String> {
    fact(line).map(|(path, _)| path).unwrap_or_default()
}

/// Takes out that a map is empty, where it is not.
pub(super) fn clear(lines: &mut [&str]) {
    let paths: Vec<Vec<String>> = lines.iter().map(|line| path(line)).collect();
    let filled: BTreeSet<&[String]> = paths
        .iter()
        .flat_map(|path| {
            let maps = maps(path).into_iter();
            let within = maps.filter(|length| *length < path.len());
            within.map(|length| &path[..length])
        })
        .collect();
    for (line, path) in lines.iter_mut().zip(&paths) {
        if filled.contains(path.as_slice()) {
            *line = "";
        }
    }
}

/// Says of the maps of an object that still stands, and that the branches emptied together, that they are
/// empty. `taken` are the facts that they took away, `prefix` is what the lines have before those.
pub(super) fn emptied<'a>(
    lines: &[&str],
    prefix: &str,
    taken: impl IntoIterator<Item = &'a str>,
) -> BTreeSet<String> {
    // What is left of each table, by what its facts begin with.
    let mut left: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        if let Some([kind, name, what, ..]) = line.strip_prefix(prefix).map(path).as_deref() {
            let object = vec![kind.clone(), name.clone()];
            left.entry(object).or_default().insert(what.clone());
        }
    }
    let taken = taken.into_iter().map(path);
    let maps = taken.filter_map(|path| Some(path[..*maps(&path).last()?].to_vec()));
    let empty = maps.filter(|map| match map.as_slice() {
        [kind, name, what, ..] => {
            let left = left.get(&[kind.clone(), name.clone()][..]);
            left.is_some_and(|left| !left.contains(what))
        }
        _ => false,
    });
    empty
        .map(|map| {
            let map: Vec<String> = map.iter().map(|key| segment(key)).collect();
            format!("{prefix}{} = {{}}", map.join("."))
        })
        .collect()
}
