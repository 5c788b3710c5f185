//! Types, as far as it matters to comparisons which one a term has, and what a literal is among the values of one.

use super::number::Float;
use super::parse::{Atom, Terms};
use super::tokens::lex;
use crate::schema::Type;

/// Types within which equality and order are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Integer,
    Numeric,
    /// `real` among them, which PostgreSQL compares as `double precision` with all but another `real`.
    Float,
    Text,
    /// `char(n)`: blanks at the end are no part of a value.
    Char,
    Other(String),
}

impl Kind {
    /// The type of a column, or of a text whose form says which one it has; `None` for any other, and for literals.
    pub(super) fn of(atom: &Atom, terms: &Terms) -> Option<Kind> {
        match atom {
            Atom::Column(at) => {
                let column = &terms.columns[*at];
                Some(Kind::of_type(&column.ty, column.collation.as_deref()))
            }
            Atom::Opaque(text) => Kind::of_opaque(text),
            _ => None,
        }
    }

    fn of_type(ty: &Type, collation: Option<&str>) -> Kind {
        match (ty, collation) {
            (Type::Int2 | Type::Int4 | Type::Int8, _) => Kind::Integer,
            (Type::Numeric(_), _) => Kind::Numeric,
            (Type::Float4 | Type::Float8, _) => Kind::Float,
            (Type::Text | Type::Varchar(_), None) => Kind::Text,
            (Type::Char(_), None) => Kind::Char,
            (Type::Timestamptz(_), _) => Kind::Other("timestamptz".to_owned()),
            (ty, collation) => Kind::Other(format!("{ty:?} {collation:?}")),
        }
    }

    /// Settings and claims as the derives write them, `now()`, and what is cast as a whole.
    fn of_opaque(text: &str) -> Option<Kind> {
        let tokens = lex(text)?;
        match tokens.as_slice() {
            ["now", "(", ")"] => Some(Kind::of_type(&Type::Timestamptz(None), None)),
            ["(", "select", "auth", ".", "uid", "(", ")", ")"] => {
                Some(Kind::of_type(&Type::Uuid, None))
            }
            [
                "(",
                "select",
                "current_setting",
                "(",
                _,
                ",",
                "true",
                ")",
                ")",
            ]
            | ["current_setting", "(", _, ",", "true", ")"]
            | ["current_setting", "(", _, ")"] => Some(Kind::Text),
            ["(", "select", "case", .., "setting", ")"] => Kind::of_given(&tokens),
            [value @ .., "::", ty] if is_one_operand(value) => Kind::of_cast(ty),
            _ => None,
        }
    }

    /// What the last `then` gives, where no `else` gives anything.
    fn of_given(tokens: &[&str]) -> Option<Kind> {
        let count = |word| tokens.iter().filter(|token| **token == word).count();
        if count("else") > 0 || count("when") > count("case") {
            return None;
        }
        let then = tokens.iter().rposition(|token| *token == "then")?;
        let value = tokens[then + 1..].split(|token| *token == "end").next()?;
        match value {
            ["given"] | ["given", "#>>", "'{}'", "::", "text", "[", "]"] => Some(Kind::Text),
            ["given", "::", ty] => Kind::of_cast(ty),
            _ => None,
        }
    }

    /// A literal beside a `real` is `real` in some places and `double precision` in others, so that of what is cast to
    /// it nothing is known.
    fn of_cast(ty: &str) -> Option<Kind> {
        let ty: Type = ty.parse().ok()?;
        (ty != Type::Float4).then(|| Kind::of_type(&ty, None))
    }

    /// A literal as the value that it is in that type; `None` where that is not known.
    pub(super) fn value(kind: Option<&Kind>, literal: &Atom) -> Option<Atom> {
        match (kind, literal) {
            (Some(Kind::Char), Atom::Text(text)) => Some(Atom::Text(trimmed(text))),
            (_, Atom::Text(_) | Atom::Bool(_)) => Some(literal.clone()),
            (Some(Kind::Float), Atom::Number(number)) => {
                Some(Atom::Float(Float::new(number.as_f64()?)))
            }
            (Some(Kind::Float), Atom::Real(number)) => {
                Some(Atom::Float(Float::new(f64::from(number.as_f32()?))))
            }
            (Some(Kind::Integer | Kind::Numeric), Atom::Number(_)) => Some(literal.clone()),
            // As `real`, as `double precision` and as `numeric` it is the same.
            (_, Atom::Number(number)) if number.is_same_everywhere() => Some(literal.clone()),
            _ => None,
        }
    }

    /// Whether a value is NULL or not, and nothing between, as a row is whose fields are NULL in part.
    pub(super) fn is_null_or_not(&self) -> bool {
        let is_citext = |name: &str| name.starts_with("Named(\"citext\")");
        !matches!(self, Kind::Other(name) if name.starts_with("Named(") && !is_citext(name))
    }
}

/// A word, a call, or something in brackets, to all of which a cast behind it belongs.
fn is_one_operand(tokens: &[&str]) -> bool {
    let rest = match tokens {
        [first, rest @ ..] if *first != "(" => rest,
        rest => rest,
    };
    let mut depth = 0_usize;
    for (at, token) in rest.iter().enumerate() {
        match *token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && at + 1 < rest.len() {
            return false;
        }
    }
    depth == 0 && !tokens.is_empty()
}

/// A text without the blanks at its end.
fn trimmed(text: &str) -> String {
    let inner = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    match inner {
        Some(inner) => format!("'{}'", inner.trim_end_matches(' ')),
        None => text.to_owned(),
    }
}
