//! The language of predicates: a Rust expression over columns and the scope.
//!
//! It is narrower than Rust and narrower than SQL. What it accepts has exactly one SQL text;
//! whether the two sides of a comparison fit is rustc's to say.

use std::hash::{Hash, Hasher};

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use crate::ast::PathRef;

mod membership;
mod parse;

pub(crate) use parse::{parse, read, sql_call};

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
    /// `exists(Member, |m| m.shop == shop && m.user == scope.user)`
    Exists(Box<Membership>),
}

impl Node {
    /// The fields of the scope that a column must equal, whatever else is said.
    pub(crate) fn held(&self, is_column: &dyn Fn(&Ident) -> bool) -> Vec<&Ident> {
        match self {
            Node::And(one, other) => {
                let mut fields = one.held(is_column);
                fields.extend(other.held(is_column));
                fields
            }
            Node::Compare(Comparison::Eq, Value::Column(column), Value::Scope(field), _)
            | Node::Compare(Comparison::Eq, Value::Scope(field), Value::Column(column), _)
                if is_column(column) =>
            {
                vec![field]
            }
            _ => Vec::new(),
        }
    }
}

/// Rows of another table that say who may: one of its columns equals one of this table's, and others
/// equal what is known without a row.
#[derive(Debug, Clone, Hash)]
pub struct Membership {
    /// The other table.
    pub table: PathRef,
    /// What the closure calls its row.
    pub row: Ident,
    /// This table's column, as a value.
    pub own: Value,
    /// The other table's field that it equals.
    pub field: Ident,
    /// Its further fields, and what each is compared with; no column is.
    pub rest: Vec<(Ident, Comparison, Value, SpanOf)>,
    /// Where it stands.
    pub span: SpanOf,
}

impl Membership {
    /// The fields of the scope that it reads, each once.
    pub(crate) fn asked(&self) -> Vec<&Value> {
        let mut seen = Vec::new();
        let values = self.rest.iter().map(|(_, _, value, _)| value);
        values
            .filter(|value| match value {
                Value::Scope(field) if !seen.contains(&field) => {
                    seen.push(field);
                    true
                }
                _ => false,
            })
            .collect()
    }
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
    /// The same with its sides exchanged.
    fn turned(self) -> Self {
        match self {
            Comparison::Eq | Comparison::Ne => self,
            Comparison::Lt => Comparison::Gt,
            Comparison::Le => Comparison::Ge,
            Comparison::Gt => Comparison::Lt,
            Comparison::Ge => Comparison::Le,
        }
    }

    /// Whether it asks which of two comes first.
    pub fn is_ordering(self) -> bool {
        !matches!(self, Comparison::Eq | Comparison::Ne)
    }

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
    /// The memberships in it; none in raw SQL.
    pub fn memberships(&self) -> Vec<&Membership> {
        match self {
            Predicate::Typed(node) => node.memberships(),
            Predicate::Sql(..) => Vec::new(),
        }
    }

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
    /// The memberships in it, from left to right.
    pub(crate) fn memberships(&self) -> Vec<&Membership> {
        match self {
            Node::And(a, b) | Node::Or(a, b) => {
                let mut both = a.memberships();
                both.extend(b.memberships());
                both
            }
            Node::Not(a) => a.memberships(),
            Node::Exists(membership) => vec![membership],
            Node::Compare(..) | Node::Null(..) | Node::In(..) | Node::Truth(_) => Vec::new(),
        }
    }

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
            Node::Exists(membership) => {
                values.push(&membership.own);
                values.extend(membership.rest.iter().map(|(_, _, value, _)| value));
            }
            Node::In(a, list) => {
                values.push(a);
                values.extend(list);
            }
        }
    }
}

/// The name of a field without `r#`.
pub fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}
