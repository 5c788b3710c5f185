//! What a policy reads of another table, told under new names.
//!
//! PostgreSQL renames a table and its columns in policies by itself. The text follows where it is a membership as it is
//! generated, `… = any (array(select m.shop from public.members m where m.user_id = …))`, in which each column stands
//! behind its row's name. Of anything else nothing is claimed.

use std::collections::BTreeSet;

use crate::ident::quote;
use crate::schema::{Expr, QualifiedName};

use super::moves::Moves;
use super::words::{pieces, plain};

/// Renames in an expression what it reads of other tables, its lookups too; says whether it could. A function has its
/// query as text, which PostgreSQL does not rename, so that it keeps its name here: another query has another one.
pub(super) fn retell(expr: &mut Expr, moves: &Moves) -> bool {
    let Some(sql) = text(&expr.sql, &expr.tables, moves) else {
        return false;
    };
    let mut lookups = expr.lookups.clone();
    for lookup in lookups.values_mut() {
        let table = BTreeSet::from([lookup.table.clone()]);
        let told = text(&format!("array({})", lookup.query), &table, moves);
        let query = told.as_deref().and_then(|told| {
            let query = told.strip_prefix("array(")?;
            query.strip_suffix(')')
        });
        let (Some(query), Ok(name)) = (query, lookup.table.parse::<QualifiedName>()) else {
            return false;
        };
        lookup.query = query.to_owned();
        lookup.table = moves.name(&name).to_string();
    }
    expr.sql = sql;
    expr.lookups = lookups;
    true
}

/// The text with the new names, where it reads these tables in memberships and nothing else of any.
fn text(sql: &str, tables: &BTreeSet<String>, moves: &Moves) -> Option<String> {
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
                out.push_str(&membership.told(moves)?);
                read.insert(membership.table.to_string());
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

    /// Its text; none where it may name a renamed column otherwise than behind the row's name, or read another table.
    fn told(&self, moves: &Moves) -> Option<String> {
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
                (_, Some(new)) if is_of_row => out.push_str(&quote(new)),
                (_, Some(_)) => return None,
                (_, None) => out.push_str(piece),
            }
        }
        Some(out)
    }
}
