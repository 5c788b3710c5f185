//! Parse: `exists(Member, |m| m.shop == shop && m.user == scope.user)`.
//!
//! Narrower than SQL's EXISTS, so that it has the one form that stays fast: the comparisons are joined by
//! `&&`, one of them ties a field of the other table to a column of this one, the others know their value
//! without a row.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprCall, Member, Pat};

use super::parse::{bare, comparison, value};
use super::{Comparison, Membership, SpanOf, Value};
use crate::Report;
use crate::ast::PathRef;

/// Whether a call is meant as a membership.
pub(super) fn is_meant(call: &ExprCall) -> bool {
    matches!(bare(&call.func), Expr::Path(path) if path.path.is_ident("exists"))
}

/// Reads the call.
pub(super) fn read(call: &ExprCall, report: &mut Report) -> Option<Membership> {
    let mut arguments = call.args.iter().map(bare);
    let (Some(Expr::Path(table)), Some(Expr::Closure(closure)), None) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        report.over(
            call,
            "`exists` takes a table and a closure over its row; write \
             `exists(Member, |m| m.shop == shop && m.user == scope.user)`",
        );
        return None;
    };
    let row = match (closure.inputs.first(), closure.inputs.len()) {
        (Some(Pat::Ident(row)), 1) => row.ident.clone(),
        _ => {
            report.over(
                closure,
                "the closure takes the other table's row; write `|m| ...`",
            );
            return None;
        }
    };
    let mut ties = Vec::new();
    let mut rest = Vec::new();
    for part in parts(&closure.body) {
        let (field, comparison, value, span) = compared(part, &row, report)?;
        match (&value, comparison) {
            (Value::Column(_), Comparison::Eq) => ties.push((field, value)),
            (Value::Column(_), _) => {
                report.at(
                    span.0,
                    "a membership ties the two tables by equality; write `==`",
                );
                return None;
            }
            _ => rest.push((field, comparison, value, span)),
        }
    }
    let asks = rest.iter().any(|(_, comparison, value, _)| {
        *comparison == Comparison::Eq && matches!(value, Value::Scope(_))
    });
    if ties.len() != 1 || !asks {
        report.over(
            &closure.body,
            format!(
                "a membership ties one column of this table to `{row}` and one field of `{row}` to the scope; \
                 write `{row}.shop == shop && {row}.user == scope.user`"
            ),
        );
        return None;
    }
    let (field, own) = ties.remove(0);
    Some(Membership {
        table: PathRef(table.path.clone()),
        row,
        own,
        field,
        rest,
        span: SpanOf(call.func.span()),
    })
}

/// What `&&` joins.
fn parts(body: &Expr) -> Vec<&Expr> {
    match bare(body) {
        Expr::Paren(paren) => parts(&paren.expr),
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            let mut both = parts(&binary.left);
            both.extend(parts(&binary.right));
            both
        }
        part => vec![part],
    }
}

type Compared = (Ident, Comparison, Value, SpanOf);

/// A field of the row on one side, something else on the other.
fn compared(part: &Expr, row: &Ident, report: &mut Report) -> Option<Compared> {
    let binary = match part {
        Expr::Binary(binary) => comparison(&binary.op).map(|comparison| (binary, comparison)),
        _ => None,
    };
    let Some((binary, comparison)) = binary else {
        report.over(
            part,
            "a membership is comparisons joined by `&&`; write anything else as `sql(\"...\")`",
        );
        return None;
    };
    let span = SpanOf(binary.op.span());
    let (field, comparison, other) = match (field(&binary.left, row), field(&binary.right, row)) {
        (Some(field), None) => (field, comparison, &binary.right),
        (None, Some(field)) => (field, comparison.turned(), &binary.left),
        _ => {
            report.over(
                part,
                format!(
                    "one side of each comparison is a field of `{row}`; write `{row}.field == ...`"
                ),
            );
            return None;
        }
    };
    Some((field, comparison, value(other, report)?, span))
}

fn field(side: &Expr, row: &Ident) -> Option<Ident> {
    match bare(side) {
        Expr::Field(field) => match (bare(&field.base), &field.member) {
            (Expr::Path(base), Member::Named(name)) if base.path.is_ident(row) => {
                Some(name.clone())
            }
            _ => None,
        },
        _ => None,
    }
}
