//! Parse: a Rust expression into a predicate.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprLit, Lit, Member, UnOp};

use super::{Comparison, Literal, Node, Predicate, SpanOf, Value, membership};
use crate::Report;
use crate::ast::PathRef;

/// The most nodes deep a predicate may be: far more than anyone writes, far less than overflows a stack.
const MAX_DEPTH: usize = 64;

/// Reads a predicate. `None` where it is wrong; the report says how.
pub(crate) fn parse(expr: &Expr, report: &mut Report) -> Option<Predicate> {
    if let Some(text) = sql_call(expr) {
        return match text {
            Ok(text) => Some(Predicate::Sql(text.value(), SpanOf(text.span()))),
            Err(error) => {
                report.push(error);
                None
            }
        };
    }
    node(expr, 0, report).map(Predicate::Typed)
}

/// The literal of a call `sql("…")`; `None` where the expression is no such call.
pub(crate) fn sql_call(expr: &Expr) -> Option<Result<syn::LitStr, syn::Error>> {
    let Expr::Call(call) = bare(expr) else {
        return None;
    };
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    if !path.path.is_ident("sql") {
        return None;
    }
    let mut arguments = call.args.iter();
    Some(match (arguments.next(), arguments.next()) {
        (
            Some(Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            })),
            None,
        ) => Ok(text.clone()),
        _ => Err(syn::Error::new_spanned(
            call,
            "`sql` takes one string literal; write `sql(\"...\")`",
        )),
    })
}

/// Without the invisible groups that a macro leaves around what it passes on.
pub(super) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Group(group) => bare(&group.expr),
        _ => expr,
    }
}

fn node(expr: &Expr, depth: usize, report: &mut Report) -> Option<Node> {
    if depth > MAX_DEPTH {
        report.over(
            expr,
            "the predicate is nested too deeply; write it as `sql(\"...\")`",
        );
        return None;
    }
    let depth = depth + 1;
    match bare(expr) {
        Expr::Paren(paren) => node(&paren.expr, depth, report),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
            Some(Node::Not(Box::new(node(&unary.expr, depth, report)?)))
        }
        Expr::Binary(binary) => {
            if let BinOp::And(_) | BinOp::Or(_) = binary.op {
                // Both sides are read even if one is wrong, so that both are reported.
                let left = node(&binary.left, depth, report);
                let right = node(&binary.right, depth, report);
                let (left, right) = (Box::new(left?), Box::new(right?));
                return Some(match binary.op {
                    BinOp::And(_) => Node::And(left, right),
                    _ => Node::Or(left, right),
                });
            }
            let Some(comparison) = comparison(&binary.op) else {
                let remedy = match binary.op {
                    BinOp::BitAnd(_) => "write `&&`",
                    BinOp::BitOr(_) => "write `||`",
                    _ => "write the whole predicate as `sql(\"...\")`",
                };
                report.over(
                    binary.op,
                    format!(
                        "a predicate has no operator `{}`; {remedy}",
                        text(binary.op)
                    ),
                );
                return None;
            };
            let left = operand(&binary.left, report);
            let right = operand(&binary.right, report);
            Some(Node::Compare(
                comparison,
                left?,
                right?,
                SpanOf(binary.op.span()),
            ))
        }
        Expr::Assign(assign) => {
            report.over(assign.eq_token, "`=` assigns in Rust; use `==` to compare");
            None
        }
        Expr::MethodCall(call) => method(call, report),
        Expr::Call(call) if membership::is_meant(call) => {
            let membership = membership::read(call, report)?;
            Some(Node::Exists(Box::new(membership)))
        }
        Expr::Call(call) if sql_call(expr).is_some() => {
            report.over(
                call,
                "`sql` is a whole predicate; write the rest of it in SQL too",
            );
            None
        }
        other => Some(Node::Truth(value(other, report)?)),
    }
}

/// Reads a side of a comparison, where arithmetic is the likeliest mistake.
fn operand(expr: &Expr, report: &mut Report) -> Option<Value> {
    if let Expr::Binary(binary) = bare(expr) {
        report.over(
            binary.op,
            format!(
                "a predicate does not calculate, and found `{}`; write the whole of it as `sql(\"...\")`",
                text(binary.op)
            ),
        );
        return None;
    }
    value(expr, report)
}

fn text(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn method(call: &syn::ExprMethodCall, report: &mut Report) -> Option<Node> {
    let receiver = value(&call.receiver, report);
    let name = call.method.to_string();
    match (name.as_str(), call.args.first(), call.args.len()) {
        ("is_null" | "is_not_null", None, _) if matches!(receiver, Some(Value::Scope(_))) => {
            report.over(
                &call.receiver,
                "a field of the scope is NULL where no scope is set too, and this would decide for every \
                 row there; compare it with a column",
            );
            None
        }
        ("is_null", None, _) => Some(Node::Null(receiver?, false)),
        ("is_not_null", None, _) => Some(Node::Null(receiver?, true)),
        ("is_in", Some(Expr::Array(list)), 1) if !list.elems.is_empty() => {
            let values: Vec<_> = list.elems.iter().map(|item| value(item, report)).collect();
            Some(Node::In(
                receiver?,
                values.into_iter().collect::<Option<_>>()?,
            ))
        }
        ("is_null" | "is_not_null", ..) => {
            report.over(
                &call.args,
                format!("`{name}` takes nothing; remove the arguments"),
            );
            None
        }
        ("is_in", ..) => {
            report.over(
                &call.method,
                "`is_in` takes a list of values; write `is_in([a, b])`",
            );
            None
        }
        _ => {
            report.over(
                &call.method,
                format!(
                    "no method `{name}` in a predicate; use `is_null()`, `is_not_null()` or `is_in([...])`, \
                     or write `sql(\"...\")`"
                ),
            );
            None
        }
    }
}

pub(super) fn comparison(op: &BinOp) -> Option<Comparison> {
    Some(match op {
        BinOp::Eq(_) => Comparison::Eq,
        BinOp::Ne(_) => Comparison::Ne,
        BinOp::Lt(_) => Comparison::Lt,
        BinOp::Le(_) => Comparison::Le,
        BinOp::Gt(_) => Comparison::Gt,
        BinOp::Ge(_) => Comparison::Ge,
        _ => return None,
    })
}

/// Reads an operand.
pub(super) fn value(expr: &Expr, report: &mut Report) -> Option<Value> {
    match read(expr) {
        Ok(Some(value)) => return Some(value),
        Ok(None) => report.over(
            expr,
            "expected a column, `scope.field`, a literal, an enum variant or `now()`; \
             write anything else as `sql(\"...\")`",
        ),
        Err(error) => report.push(error),
    }
    None
}

/// Reads an operand; `None` where the expression is none.
///
/// # Errors
/// Where it is nearly one.
pub(crate) fn read(expr: &Expr) -> Result<Option<Value>, syn::Error> {
    Ok(match bare(expr) {
        Expr::Paren(paren) => return read(&paren.expr),
        Expr::Lit(lit) => Some(literal(&lit.lit, false)?),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match bare(&unary.expr) {
            Expr::Lit(lit) => Some(literal(&lit.lit, true)?),
            _ => None,
        },
        Expr::Field(field) => match (bare(&field.base), &field.member) {
            (Expr::Path(base), Member::Named(name)) if base.path.is_ident("scope") => {
                Some(Value::Scope(name.clone()))
            }
            (Expr::Path(base), Member::Named(name)) if base.path.is_ident("self") => {
                return Err(syn::Error::new_spanned(
                    &base.path,
                    format!("a column stands by its name alone; write `{name}`"),
                ));
            }
            _ => None,
        },
        Expr::Path(path) if path.qself.is_none() => match path.path.get_ident() {
            Some(ident) => Some(Value::Column(ident.clone())),
            None => Some(Value::Variant(PathRef(path.path.clone()))),
        },
        Expr::Call(call) if call.args.is_empty() => match &*call.func {
            Expr::Path(path) if path.path.is_ident("now") => Some(Value::Now(SpanOf(path.span()))),
            Expr::Path(path) if path.path.is_ident("gen_random_uuid") => {
                Some(Value::RandomUuid(SpanOf(path.span())))
            }
            _ => None,
        },
        _ => None,
    })
}

fn literal(lit: &Lit, negative: bool) -> Result<Value, syn::Error> {
    let sign = if negative { "-" } else { "" };
    let wrong = |message: String| Err(syn::Error::new(lit.span(), message));
    let literal = match lit {
        Lit::Bool(value) if !negative => Literal::Bool(value.value),
        Lit::Str(text) if text.value().contains('\0') => {
            return wrong("a text in PostgreSQL holds no NUL character; remove it".into());
        }
        Lit::Str(text) if !negative => Literal::Str(text.value()),
        Lit::Int(int) if int.suffix().is_empty() => {
            Literal::Int(format!("{sign}{}", int.base10_digits()))
        }
        Lit::Float(float) if float.suffix().is_empty() => {
            Literal::Float(format!("{sign}{}", float.base10_digits()))
        }
        Lit::Int(int) => {
            return wrong(format!(
                "a literal takes the type of what it meets; write `{}`",
                int.base10_digits()
            ));
        }
        Lit::Float(float) => {
            return wrong(format!(
                "a literal takes the type of what it meets; write `{}`",
                float.base10_digits()
            ));
        }
        Lit::Char(char) => {
            return wrong(format!(
                "PostgreSQL knows texts, not characters; write `{:?}`",
                char.value().to_string()
            ));
        }
        _ => return wrong("this literal is no value of a column; write `sql(\"...\")`".into()),
    };
    Ok(Value::Literal(literal, SpanOf(lit.span())))
}
