//! Expressions as the server keeps them: which columns and tables they read.
//!
//! `pg_node_tree` prints every node as `{TYPE :field value …}`; in names, a backslash stands before
//! whatever could be mistaken for its syntax. Source: PostgreSQL's `src/backend/nodes/outfuncs.c`.

use std::collections::BTreeSet;

/// The numbers of the columns that a tree reads, of all its tables together.
pub(super) fn attributes(tree: &str) -> BTreeSet<u32> {
    fields(tree, ":varattno").filter(|n| *n > 0).collect()
}

/// The tables that a tree's subqueries read.
pub(super) fn relations(tree: &str) -> BTreeSet<u32> {
    fields(tree, ":relid").collect()
}

fn fields<'a>(tree: &'a str, field: &'a str) -> impl Iterator<Item = u32> + 'a {
    let words = tree.split([' ', '{', '}', '(', ')', '\n']);
    let after = words.clone().skip(1);
    words
        .zip(after)
        .filter(move |(word, _)| *word == field)
        .filter_map(|(_, value)| value.parse().ok())
}

/// The nodes of a list of nodes.
pub(super) fn members(tree: &str) -> Vec<&str> {
    let mut members = Vec::new();
    let (mut depth, mut start, mut escaped) = (0_u32, 0, false);
    for (at, byte) in tree.bytes().enumerate() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            b'{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    members.push(&tree[start..=at]);
                }
            }
            _ => {}
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_tells_its_columns_its_tables_and_its_members() {
        let tree = "({OPEXPR :args ({VAR :varno 1 :varattno 2 :vartype 25} {CONST :constvalue 4 [ 16 0 0 0 ]})} \
                    {FUNCEXPR :name a\\}\\ b :args ({VAR :varno 1 :varattno 13} {VAR :varattno -1} {RTE :relid 16400})})";
        assert_eq!(attributes(tree), BTreeSet::from([2, 13]));
        assert_eq!(relations(tree), BTreeSet::from([16400]));
        let members = members(tree);
        assert_eq!(members.len(), 2);
        assert_eq!(attributes(members[0]), BTreeSet::from([2]));
        assert!(members[1].starts_with("{FUNCEXPR") && members[1].ends_with("})}"));
    }
}
