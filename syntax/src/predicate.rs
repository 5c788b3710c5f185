//! The language of predicates: a Rust expression over columns and the scope.
//!
//! It is narrower than Rust and narrower than SQL. What it accepts has exactly one SQL text;
//! whether the two sides of a comparison fit is rustc's to say.

use proc_macro2::{Ident, Span};
use std::hash::{Hash, Hasher};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, ExprLit, Lit, Member, UnOp};

use crate::Report;
use crate::ast::PathRef;

/// A predicate, typed or raw.
#[derive(Debug, Clone, Hash)]
pub enum Predicate {
    /// A Rust expression, with the operands resolved to what they are.
    Typed(Node),
    /// `sql("…")`: its text, already parsed once, and where it stands.
    Sql(String, SpanOf),
}

/// A span that plays no part in equality.
#[derive(Debug, Clone, Copy)]
pub struct SpanOf(pub Span);

impl Hash for SpanOf {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// A node of a typed predicate.
#[derive(Debug, Clone, Hash)]
pub enum Node {
    /// `a && b`
    And(Box<Node>, Box<Node>),
    /// `a || b`
    Or(Box<Node>, Box<Node>),
    /// `!a`
    Not(Box<Node>),
    /// `a == b` and its like
    Compare(Comparison, Value, Value, SpanOf),
    /// `a.is_null()`, or `a.is_not_null()` where the flag is set
    Null(Value, bool),
    /// `a.is_in([b, c])`
    In(Value, Vec<Value>),
    /// A boolean column or literal
    Truth(Value),
}

/// A comparison.
#[derive(Debug, Clone, Copy, Hash, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Comparison {
    /// The operator in SQL.
    pub fn as_sql(self) -> &'static str {
        match self {
            Comparison::Eq => "=",
            Comparison::Ne => "<>",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
        }
    }
}

/// An operand.
#[derive(Debug, Clone, Hash)]
pub enum Value {
    /// A field of the struct
    Column(Ident),
    /// `scope.field`
    Scope(Ident),
    /// A literal; the flag is a minus sign before it
    Literal(Literal, SpanOf),
    /// A variant of an enumeration, such as `Status::Draft`
    Variant(PathRef),
    /// `now()`
    Now(SpanOf),
    /// `gen_random_uuid()`
    RandomUuid(SpanOf),
}

/// A literal.
#[derive(Debug, Clone, Hash, PartialEq, Eq)]
pub enum Literal {
    /// `true`
    Bool(bool),
    /// `-1`, digits without separators
    Int(String),
    /// `1.5`, digits without separators
    Float(String),
    /// `"text"`
    Str(String),
}

impl Value {
    /// Where the operand stands.
    pub fn span(&self) -> Span {
        match self {
            Value::Column(ident) | Value::Scope(ident) => ident.span(),
            Value::Literal(_, span) | Value::Now(span) | Value::RandomUuid(span) => span.0,
            Value::Variant(path) => path.0.span(),
        }
    }
}

impl Predicate {
    /// The operands, from left to right; none for raw SQL.
    pub fn values(&self) -> Vec<&Value> {
        let mut values = Vec::new();
        if let Predicate::Typed(node) = self {
            node.collect(&mut values);
        }
        values
    }
}

impl Node {
    /// Adds the operands, from left to right.
    pub(crate) fn collect<'a>(&'a self, values: &mut Vec<&'a Value>) {
        match self {
            Node::And(a, b) | Node::Or(a, b) => {
                a.collect(values);
                b.collect(values);
            }
            Node::Not(a) => a.collect(values),
            Node::Compare(_, a, b, _) => values.extend([a, b]),
            Node::Null(a, _) | Node::Truth(a) => values.push(a),
            Node::In(a, list) => {
                values.push(a);
                values.extend(list);
            }
        }
    }
}

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
fn bare(expr: &Expr) -> &Expr {
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
                report.over(
                    binary.op,
                    "this operator is not part of a predicate; compare columns, the scope and literals, \
                     or write `sql(\"...\")`",
                );
                return None;
            };
            let left = value(&binary.left, report);
            let right = value(&binary.right, report);
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

fn method(call: &syn::ExprMethodCall, report: &mut Report) -> Option<Node> {
    let receiver = value(&call.receiver, report);
    let name = call.method.to_string();
    match (name.as_str(), call.args.first(), call.args.len()) {
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

fn comparison(op: &BinOp) -> Option<Comparison> {
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
pub(crate) fn value(expr: &Expr, report: &mut Report) -> Option<Value> {
    match bare(expr) {
        Expr::Paren(paren) => return value(&paren.expr, report),
        Expr::Lit(lit) => {
            if let Some(literal) = literal(&lit.lit, false) {
                if matches!(&literal, Literal::Str(text) if text.contains('\0')) {
                    report.over(
                        lit,
                        "a text in PostgreSQL holds no NUL character; remove it",
                    );
                }
                return Some(Value::Literal(literal, SpanOf(lit.span())));
            }
        }
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            if let Expr::Lit(lit) = bare(&unary.expr)
                && let Some(literal) = literal(&lit.lit, true)
            {
                return Some(Value::Literal(literal, SpanOf(lit.span())));
            }
        }
        Expr::Field(field) => {
            if let Expr::Path(base) = &*field.base
                && base.path.is_ident("scope")
                && let Member::Named(name) = &field.member
            {
                return Some(Value::Scope(name.clone()));
            }
        }
        Expr::Path(path) if path.qself.is_none() => {
            if let Some(ident) = path.path.get_ident() {
                return Some(Value::Column(ident.clone()));
            }
            return Some(Value::Variant(PathRef(path.path.clone())));
        }
        Expr::Call(call) if call.args.is_empty() => {
            if let Expr::Path(path) = &*call.func {
                if path.path.is_ident("now") {
                    return Some(Value::Now(SpanOf(path.span())));
                }
                if path.path.is_ident("gen_random_uuid") {
                    return Some(Value::RandomUuid(SpanOf(path.span())));
                }
            }
        }
        _ => {}
    }
    report.over(
        expr,
        "expected a column, `scope.field`, a literal, an enum variant or `now()`; \
         anything else is written as `sql(\"...\")`",
    );
    None
}

fn literal(lit: &Lit, negative: bool) -> Option<Literal> {
    let sign = if negative { "-" } else { "" };
    match lit {
        Lit::Bool(value) if !negative => Some(Literal::Bool(value.value)),
        Lit::Str(text) if !negative => Some(Literal::Str(text.value())),
        Lit::Int(int) if int.suffix().is_empty() => {
            Some(Literal::Int(format!("{sign}{}", int.base10_digits())))
        }
        Lit::Float(float) if float.suffix().is_empty() => {
            Some(Literal::Float(format!("{sign}{}", float.base10_digits())))
        }
        _ => None,
    }
}

/// The name of a field without `r#`.
pub fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
