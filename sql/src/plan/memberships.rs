//! What a policy reads of another table, told under new names.
//!
//! PostgreSQL renames a table and its columns in policies by itself. The text follows where it is a membership as it is
//! generated, `… = any (array(select m.shop from public.members m where m.user_id = …))`, in which each column stands
//! behind its row's name. Of anything else nothing is claimed.
//!
//! What a membership selects keeps in PostgreSQL the name that it had, `select m.store as shop from …`. So does the text
//! here, which differs by it from the declared one, and the policy is altered; that it lets the same through is known.

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::{Expr, Policy, QualifiedName, TableName};

use super::moves::Moves;
use super::words::{pieces, plain};

/// Renames in an expression what it reads of other tables, its lookups too; says whether it could. A function has its
/// query as text, which PostgreSQL does not rename, so that it keeps its name here: another query has another one.
pub(super) fn retell(expr: &mut Expr, moves: &Moves) -> bool {
    let looked_up = expr.lookups.values();
    let looked_up = looked_up.map(|lookup| format!("array({})", lookup.query));
    let Some(sql) = text(&expr.sql, &expr.tables, moves, &looked_up.collect()) else {
        return false;
    };
    let mut lookups = expr.lookups.clone();
    for lookup in lookups.values_mut() {
        let table = BTreeSet::from([(&lookup.table).into()]);
        let query = format!("array({})", lookup.query);
        let told = text(&query, &table, moves, &BTreeSet::from([query.clone()]));
        let query = told.as_deref().and_then(|told| {
            let query = told.strip_prefix("array(")?;
            query.strip_suffix(')')
        });
        let Some(query) = query else {
            return false;
        };
        lookup.query = query.to_owned();
        lookup.table = moves.name(&lookup.table).clone();
    }
    expr.sql = sql;
    expr.lookups = lookups;
    true
}

/// A policy as it is declared, whatever what its memberships select is called in PostgreSQL.
pub(super) fn declared(policy: &Policy) -> Policy {
    let mut policy = policy.clone();
    for expr in policy.using.iter_mut().chain(&mut policy.check) {
        expr.sql = unnamed(&expr.sql);
    }
    policy
}

/// The text in which no membership names what it selects.
fn unnamed(sql: &str) -> String {
    let pieces = pieces(sql);
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        out.push_str(piece);
        at += 1;
        if let [
            "array",
            "(",
            "select",
            " ",
            _,
            ".",
            _,
            " ",
            "as",
            " ",
            _,
            " ",
            "from",
            ..,
        ] = &pieces[at - 1..]
        {
            out.push_str(&pieces[at..at + 6].concat());
            at += 10;
        }
    }
    out
}

/// The text with the new names, where it reads these tables in memberships and nothing else of any; `looked_up` are
/// the memberships that no policy holds.
fn text(
    sql: &str,
    tables: &BTreeSet<TableName>,
    moves: &Moves,
    looked_up: &BTreeSet<String>,
) -> Option<String> {
    let pieces = pieces(sql);
    let mut out = String::with_capacity(sql.len());
    let mut read = BTreeSet::new();
    let mut at = 0;
    while let Some(piece) = pieces.get(at) {
        if piece.eq_ignore_ascii_case("from") {
            return None;
        }
        match Membership::read(&pieces[at..]) {
            Some(membership) => {
                let is_held = !looked_up.contains(&membership.pieces.concat());
                out.push_str(&membership.told(moves, is_held)?);
                read.insert(TableName::from(&membership.table));
                at += membership.pieces.len();
            }
            None => {
                out.push_str(piece);
                at += 1;
            }
        }
    }
    (read == *tables).then_some(out)
}

/// `array(select m.shop from public.members m where …)`.
struct Membership<'a> {
    pieces: &'a [&'a str],
    table: QualifiedName,
    row: &'a str,
}

impl<'a> Membership<'a> {
    fn read(pieces: &'a [&'a str]) -> Option<Self> {
        let [
            "array",
            "(",
            "select",
            " ",
            row,
            ".",
            _,
            " ",
            "from",
            " ",
            schema,
            ".",
            table,
            " ",
            same,
            " ",
            "where",
            " ",
            ..,
        ] = pieces
        else {
            return None;
        };
        let mut depth = 0_usize;
        let end = pieces.iter().position(|piece| {
            match *piece {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            *piece == ")" && depth == 0
        })?;
        (row == same).then_some(())?;
        Some(Membership {
            pieces: &pieces[..=end],
            table: QualifiedName::new(plain(schema)?, plain(table)?),
            row,
        })
    }

    /// Its text, as PostgreSQL has it where a policy holds it; none where it may name a renamed column otherwise than
    /// behind the row's name, or read another table.
    fn told(&self, moves: &Moves, is_held: bool) -> Option<String> {
        let name = moves.name(&self.table);
        let columns = moves.columns.get(name);
        let mut out = String::new();
        for (at, piece) in self.pieces.iter().enumerate() {
            let renamed = plain(piece).and_then(|column| columns?.get(&column));
            let is_of_row =
                at >= 2 && self.pieces[at - 1] == "." && self.pieces[at - 2] == self.row;
            match (at, renamed) {
                // The table, as `read` found it.
                (10, _) => out.push_str(&name.to_string()),
                (11 | 12, _) => {}
                (14.., _) if piece.eq_ignore_ascii_case("from") => return None,
                // What it selects.
                (6, Some(new)) if is_of_row && is_held => {
                    out.push_str(&format!("{} as {piece}", quote(new)));
                }
                (_, Some(new)) if is_of_row => out.push_str(&quote(new)),
                (_, Some(_)) => return None,
                (_, None) => out.push_str(piece),
            }
        }
        Some(out)
    }
}
