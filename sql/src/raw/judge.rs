//! What the types of columns show that an expression cannot do.

use std::ops::ControlFlow;

use sqlparser::ast::{BinaryOperator as Op, Expr as Ast, Function, Query, Visit, Visitor};

use super::names::folded;
use super::types::{Columns, Kind, arguments, is_number, is_text, of, text, typed};
use super::{Clause, parse};
use crate::literal;
use crate::schema::Type;

/// What the types show that the expression cannot do in its place, each as what follows "cannot"; empty
/// where all may be well, and where the text is no expression at all.
pub fn mistyped(sql: &str, clause: Clause, columns: Columns<'_>) -> Vec<String> {
    let Ok(ast) = parse::expression(sql) else {
        return Vec::new();
    };
    let mut judge = Judge {
        // What is stored must be the same for the same row, whatever the settings.
        is_stored: matches!(clause, Clause::Generated | Clause::IndexWhere),
        is_changing: matches!(clause, Clause::Policy | Clause::Default),
        columns,
        depth: 0,
        found: Vec::new(),
    };
    let _ = ast.visit(&mut judge);
    judge.found
}

/// Types of PostgreSQL's own that only have their name and whose texts depend on settings: those whose
/// `typinput` is not immutable, and of them those whose `typoutput` is. Source: `pg_type` of PostgreSQL 15.
const READ_BY_SETTINGS: [&str; 20] = [
    "daterange",
    "int4range",
    "int8range",
    "money",
    "numrange",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
    "timetz",
    "tsrange",
    "tstzrange",
    "xml",
];
const WRITTEN_ALIKE: [&str; 2] = ["timetz", "xml"];

/// Whether a conversion depends on settings such as `DateStyle` and `TimeZone`.
/// Source: `pg_cast` of PostgreSQL 15 where its function is not immutable; a conversion from or to a text
/// is by `typinput` and `typoutput`.
fn depends_on_settings(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Array(_), to) if is_text(to) => true,
        (from, Type::Array(_)) if is_text(from) => true,
        (Type::Date | Type::Timestamp(_) | Type::Timestamptz(_) | Type::Interval, to)
            if is_text(to) =>
        {
            true
        }
        (
            from,
            Type::Date | Type::Time(_) | Type::Timestamp(_) | Type::Timestamptz(_) | Type::Interval,
        ) if is_text(from) => true,
        (Type::Named(_), to) if is_text(to) => {
            let name = from.internal_name();
            READ_BY_SETTINGS.contains(&name.as_str()) && !WRITTEN_ALIKE.contains(&name.as_str())
        }
        (from, Type::Named(_)) if is_text(from) => {
            READ_BY_SETTINGS.contains(&to.internal_name().as_str())
        }
        (Type::Timestamptz(_), Type::Date | Type::Time(_) | Type::Timestamp(_))
        | (Type::Date | Type::Timestamp(_), Type::Timestamptz(_)) => true,
        (Type::Timestamptz(_) | Type::Time(_), Type::Named(_)) => to.internal_name() == "timetz",
        _ => false,
    }
}

/// The remedy where a conversion depends on settings.
fn instead(from: &Type, to: &Type) -> &'static str {
    match (from, to) {
        (Type::Timestamptz(_), _) | (_, Type::Timestamptz(_)) if !is_text(from) && !is_text(to) => {
            "name the time zone, as in `at time zone 'UTC'`"
        }
        _ => "keep its result in a plain column",
    }
}

struct Judge<'a> {
    is_stored: bool,
    /// Whether it may be another value for the same row at another time.
    is_changing: bool,
    columns: Columns<'a>,
    /// How many queries enclose what is being read: there a name may be another table's.
    depth: usize,
    found: Vec<String>,
}

impl Judge<'_> {
    fn add(&mut self, message: String) {
        if !self.found.contains(&message) {
            self.found.push(message);
        }
    }

    fn typed(&self, ast: &Ast) -> Option<Type> {
        typed(ast, self.columns)
    }

    /// A literal that its type cannot be.
    fn literal(&mut self, ty: Option<&Type>, ast: &Ast) {
        if let (Some(ty), Some(Kind::Text(text))) = (ty, of(ast, self.columns)) {
            self.value(ty, &text);
        }
    }

    fn value(&mut self, ty: &Type, text: &str) {
        if literal::is_refused(ty, text) {
            self.add(format!("read `{text}` as a `{ty}`; correct it"));
        }
        if let Some(word) = literal::moment_of_reading(ty, text) {
            let instead = match (self.is_changing, word, ty) {
                (false, ..) => "write that moment out",
                (_, "now", Type::Timestamp(_) | Type::Timestamptz(_)) => "write `now()`",
                (_, "now", Type::Time(_)) => "write `localtime`",
                (_, "tomorrow", _) => "write `current_date + 1`",
                (_, "yesterday", _) => "write `current_date - 1`",
                _ => "write `current_date`",
            };
            self.add(format!(
                "compare with the moment at which it is asked by `{text}`, which PostgreSQL reads once, when the \
                 migration runs, and keeps; {instead}"
            ));
        }
    }

    fn cast(&mut self, from: &Type, to: &Type) {
        if self.is_stored && depends_on_settings(from, to) {
            let instead = instead(from, to);
            self.add(format!(
                "turn a `{from}` into a `{to}`, which depends on settings; {instead}"
            ));
        }
    }

    fn operator(&mut self, left: &Ast, op: &Op, right: &Ast) {
        let (one, other) = (self.typed(left), self.typed(right));
        match op {
            // They bind more closely than a comparison, so that a number may stand beside them.
            Op::PGOverlap | Op::StringConcat if matches!((&one, &other), (Some(one), Some(other)) if is_plain(one) && is_plain(other)) =>
            {
                let word = match op {
                    Op::PGOverlap => "and",
                    _ => "or",
                };
                self.add(format!("join conditions by `{op}`; write `{word}`"));
            }
            Op::Xor | Op::MyIntegerDivide | Op::Regexp | Op::Match | Op::Glob => self.add(format!(
                "use `{op}`, which is no operator of PostgreSQL; write one of its own"
            )),
            // Of extensions it is between their own types.
            Op::Spaceship if [&one, &other].into_iter().flatten().any(is_common) => {
                self.add("use `<=>`; write `is not distinct from`".to_owned());
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
                self.literal(one.as_ref(), right);
                self.literal(other.as_ref(), left);
                let (Some(one), Some(other)) = (&one, &other) else {
                    return;
                };
                let is_zoned = |ty: &Type| matches!(ty, Type::Timestamptz(_));
                let is_local = |ty: &Type| matches!(ty, Type::Date | Type::Timestamp(_));
                if (is_zoned(one) && is_local(other)) || (is_local(one) && is_zoned(other)) {
                    self.mixed(&format!("compare a `{one}` with a `{other}`"));
                }
            }
            Op::Plus | Op::Minus => {
                if let (Some(Type::Timestamptz(_)), Some(Type::Interval))
                | (Some(Type::Interval), Some(Type::Timestamptz(_))) = (&one, &other)
                {
                    self.mixed("reckon with a `timestamptz` and an `interval`");
                }
            }
            Op::StringConcat => match (&one, &other) {
                (Some(text), Some(ty)) if is_text(text) => self.joined(ty),
                (Some(ty), Some(text)) if is_text(text) => self.joined(ty),
                _ => {}
            },
            _ => {}
        }
    }

    fn mixed(&mut self, what: &str) {
        if self.is_stored {
            self.add(format!(
                "{what}, which depends on the time zone; name it, as in `at time zone 'UTC'`"
            ));
        }
    }

    /// What is joined to a text becomes one.
    fn joined(&mut self, ty: &Type) {
        if !matches!(ty, Type::Array(_)) {
            self.cast(ty, &Type::Text);
        }
    }

    fn function(&mut self, function: &Function) {
        let name = function.name.0.last().and_then(|part| part.as_ident());
        let Some(name) = name.map(folded) else {
            return;
        };
        let types: Vec<Option<Type>> = arguments(function).map(|it| self.typed(it)).collect();
        let is_zoned = |ty: Option<&Option<Type>>| matches!(ty, Some(Some(Type::Timestamptz(_))));
        match name.as_str() {
            "date" | "timestamp" | "timestamptz" | "time" => {
                if let ([Some(from)], Ok(to)) = (types.as_slice(), name.parse::<Type>()) {
                    self.cast(from, &to);
                }
            }
            "date_trunc" | "date_part" | "extract" if is_zoned(types.get(1)) => {
                self.mixed(&format!("call `{name}` for a `timestamptz`"));
            }
            "age" if types.len() == 1 && self.is_stored => {
                self.add("call `age`, which counts from today; name both ends".to_owned());
            }
            _ => {}
        }
    }
}

/// Types for which no extension of ours to know makes operators of this kind.
fn is_common(ty: &Type) -> bool {
    is_text(ty) || is_plain(ty)
}

fn is_plain(ty: &Type) -> bool {
    is_number(ty) || *ty == Type::Bool
}

impl Visitor for Judge<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Ast) -> ControlFlow<()> {
        if self.depth > 0 && !matches!(expr, Ast::Cast { .. } | Ast::TypedString(_)) {
            return ControlFlow::Continue(());
        }
        match expr {
            Ast::Cast {
                expr, data_type, ..
            } => {
                let to = data_type.to_string().parse::<Type>().ok();
                self.literal(to.as_ref(), expr);
                if let (0, Some(from), Some(to)) = (self.depth, self.typed(expr), to) {
                    self.cast(&from, &to);
                }
            }
            Ast::TypedString(typed) => {
                let ty = typed.data_type.to_string().parse::<Type>().ok();
                if let (Some(ty), Some(text)) = (ty, text(&typed.value.value)) {
                    self.value(&ty, text);
                }
            }
            Ast::InList { expr, list, .. } => {
                let ty = self.typed(expr);
                list.iter().for_each(|one| self.literal(ty.as_ref(), one));
            }
            Ast::Between {
                expr, low, high, ..
            } => {
                let ty = self.typed(expr);
                self.literal(ty.as_ref(), low);
                self.literal(ty.as_ref(), high);
            }
            Ast::BinaryOp { left, op, right } => self.operator(left, op, right),
            Ast::Extract { expr, .. } => {
                if let Some(Type::Timestamptz(_)) = self.typed(expr) {
                    self.mixed("call `extract` for a `timestamptz`");
                }
            }
            Ast::Function(function) => self.function(function),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
