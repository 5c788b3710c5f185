//! Types, as far as it matters to comparisons which one a term has, and what a literal is among the values of one.

use std::cmp::Ordering;

use super::number::{Float, Number};
use super::parse::{Atom, Terms};
use super::tokens::{is_one_of, lex};
use crate::ident::unquote_literal;
use crate::literal;
use crate::schema::{Column, Type};

/// Types within which equality and order are of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Integer,
    Numeric,
    /// `real` among them, which PostgreSQL compares as `double precision` with all but another `real`.
    Float,
    /// `real` by itself, of which only [`Kind::is_real`] asks.
    Real,
    Text,
    /// `char(n)`: blanks at the end are no part of a value.
    Char,
    /// Any other, with the collation that is named.
    Other(Type, Option<String>),
}

impl Kind {
    /// The type of a column, or of a text whose form says which one it has; `None` for any other, and for literals.
    pub(super) fn of(atom: &Atom, terms: &Terms) -> Option<Kind> {
        Kind::of_atom(atom, terms).map(|kind| match kind {
            Kind::Real => Kind::Float,
            kind => kind,
        })
    }

    /// Whether it is a `real`, whatever stands around the column.
    pub(super) fn is_real(atom: &Atom, terms: &Terms) -> bool {
        Kind::of_atom(atom, terms) == Some(Kind::Real)
    }

    fn of_atom(atom: &Atom, terms: &Terms) -> Option<Kind> {
        match atom {
            Atom::Column(at) => terms.columns.get(*at).map(Kind::of_column),
            Atom::Opaque(text) => Kind::of_tokens(&lex(text)?, terms),
            _ => None,
        }
    }

    fn of_column(column: &Column) -> Kind {
        Kind::of_type(&column.ty, column.collation.as_deref())
    }

    fn of_type(ty: &Type, collation: Option<&str>) -> Kind {
        match (ty, collation) {
            (Type::Int2 | Type::Int4 | Type::Int8, _) => Kind::Integer,
            (Type::Numeric(_), _) => Kind::Numeric,
            (Type::Float4, _) => Kind::Real,
            (Type::Float8, _) => Kind::Float,
            (Type::Text | Type::Varchar(_), None) => Kind::Text,
            (Type::Char(_), None) => Kind::Char,
            (Type::Timestamptz(_), _) => Kind::Other(Type::Timestamptz(None), None),
            (ty, collation) => Kind::Other(ty.clone(), collation.map(str::to_owned)),
        }
    }

    /// What the tokens of a text are; of those with the database's own collation alone texts.
    fn of_tokens(tokens: &[&str], terms: &Terms) -> Option<Kind> {
        match tokens {
            [name] if is_one_of(name, &["current_timestamp"]) => {
                Some(Kind::of_type(&Type::Timestamptz(None), None))
            }
            [name] if is_one_of(name, &["current_date"]) => Some(Kind::of_type(&Type::Date, None)),
            [name] => terms.column(name).map(Kind::of_column),
            ["(", "select", "case", .., "setting", ")"] => Kind::of_given(tokens),
            ["(", inner @ .., ")"] if is_one_operand(tokens) => Kind::of_tokens(inner, terms),
            ["select", inner @ ..] => Kind::of_tokens(inner, terms),
            [value @ .., "::", ty] if is_one_operand(value) => Kind::of_cast(value, ty, terms),
            ["auth", ".", called, "(", ")"] => match *called {
                "uid" => Some(Kind::of_type(&Type::Uuid, None)),
                "email" | "role" => Some(Kind::Text),
                _ => None,
            },
            ["auth", ".", "jwt", "(", ")", steps @ ..]
            | ["(", "select", "auth", ".", "jwt", "(", ")", ")", steps @ ..] => {
                is_text_in_json(steps).then_some(Kind::Text)
            }
            [called, "(", arguments @ .., ")"] if is_one_operand(tokens) => {
                Kind::of_call(called, arguments, terms)
            }
            _ => None,
        }
    }

    fn of_call(called: &str, arguments: &[&str], terms: &Terms) -> Option<Kind> {
        let is_text = || match arguments {
            [name] | [name, ",", ..] => {
                let column = terms.column(name);
                column.is_some_and(|it| it.ty == Type::Text && it.collation.is_none())
            }
            ["current_setting", "(", .., ")"] => is_one_operand(arguments),
            _ => false,
        };
        match called {
            "now" if arguments.is_empty() => Some(Kind::of_type(&Type::Timestamptz(None), None)),
            "current_setting" => Some(Kind::Text),
            // Of another type they may be something else: `length` of a `path` is a `double precision`, and one's own of
            // a `varchar` fits that better.
            "length" | "char_length" | "octet_length" => {
                let [name] = arguments else {
                    return None;
                };
                let ty = &terms.column(name)?.ty;
                let is_known = matches!(ty, Type::Text | Type::Char(_) | Type::Bytea);
                is_known.then_some(Kind::Integer)
            }
            "lower" | "upper" | "btrim" if is_text() => Some(Kind::Text),
            "coalesce" | "nullif" => match arguments {
                [.., ",", literal] if literal.starts_with('\'') => {
                    Kind::of_tokens(&arguments[..arguments.len() - 2], terms)
                }
                _ => None,
            },
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
            ["given", "::", ty] => Kind::of_type_named(ty),
            _ => None,
        }
    }

    /// A cast text keeps the collation of what is cast.
    fn of_cast(value: &[&str], ty: &str, terms: &Terms) -> Option<Kind> {
        let kind = Kind::of_type_named(ty)?;
        let is_literal = matches!(value, [one] if one.starts_with('\''));
        let has_own_collation = || match Kind::of_tokens(value, terms) {
            Some(Kind::Other(ty, collation)) => collation.is_some() || matches!(ty, Type::Named(_)),
            found => found.is_none(),
        };
        let is_text = matches!(kind, Kind::Text | Kind::Char);
        (!is_text || is_literal || !has_own_collation()).then_some(kind)
    }

    /// A literal beside a `real` is `real` in some places and `double precision` in others, so that of what is cast to
    /// it nothing is known.
    fn of_type_named(ty: &str) -> Option<Kind> {
        let ty: Type = ty.parse().ok()?;
        (ty != Type::Float4).then(|| Kind::of_type(&ty, None))
    }

    /// Whether it is a text, in whatever collation.
    pub(super) fn is_text(&self) -> bool {
        match self {
            Kind::Text | Kind::Char => true,
            Kind::Other(ty, _) => matches!(ty, Type::Text | Type::Varchar(_) | Type::Char(_)),
            Kind::Integer | Kind::Numeric | Kind::Float | Kind::Real => false,
        }
    }

    /// Whether of any two values, NULL apart, one is less or both are equal.
    pub(super) fn is_ordered(&self) -> bool {
        match self {
            Kind::Integer | Kind::Numeric | Kind::Float | Kind::Real => true,
            Kind::Text | Kind::Char => true,
            Kind::Other(Type::Named(name), _) => {
                ["citext", "inet", "cidr", "macaddr"].contains(&name.as_str())
            }
            Kind::Other(ty, _) => !matches!(ty, Type::Array(_) | Type::Jsonb),
        }
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
            // As `real`, as `double precision`, as `numeric` and as `oid` it is the same.
            (None, Atom::Number(number))
                if *number >= Number::ZERO && number.is_same_everywhere() =>
            {
                Some(literal.clone())
            }
            _ => None,
        }
    }

    /// The order of two literals as values of that type, where their texts tell it.
    pub(super) fn compare(&self, a: &str, b: &str) -> Option<Ordering> {
        let (ty, collation) = match self {
            Kind::Text => (&Type::Text, None),
            Kind::Char => (&Type::Char(1), None),
            Kind::Other(ty, collation) => (ty, collation.as_deref()),
            _ => return None,
        };
        let order = literal::compare(ty, collation, &unquote_literal(a)?, &unquote_literal(b)?);
        // Two spellings may stand in two policies, and be read in two time zones.
        order.filter(|order| order.is_ne() || self.is_lasting(a))
    }

    /// Whether a literal is one value of it in all policies, whenever and wherever they are made.
    pub(super) fn is_lasting(&self, literal: &str) -> bool {
        match self {
            Kind::Integer | Kind::Numeric | Kind::Float | Kind::Real => true,
            Kind::Text | Kind::Char => true,
            Kind::Other(ty, _) => {
                let text = unquote_literal(literal);
                text.is_some_and(|text| literal::is_lasting(ty, &text))
            }
        }
    }

    /// Whether any two texts are two values of it: in the database's own collation, and in one that compares bytes. A
    /// literal has none of its own, and is compared in that of the column
    /// (<https://www.postgresql.org/docs/15/collation.html#COLLATION-CONCEPTS>).
    pub(super) fn tells_texts_apart(&self) -> bool {
        match self {
            Kind::Text | Kind::Char => true,
            Kind::Other(Type::Text | Type::Varchar(_), Some(collation)) => {
                literal::is_by_bytes(collation)
            }
            _ => false,
        }
    }

    /// Whether a value is NULL or not, and nothing between, as a row is whose fields are NULL in part.
    pub(super) fn is_null_or_not(&self) -> bool {
        !matches!(self, Kind::Other(Type::Named(name), _) if name != "citext")
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

/// Whether steps lead to a text in JSON.
fn is_text_in_json(mut steps: &[&str]) -> bool {
    loop {
        let rest;
        (steps, rest) = match steps {
            [step, key, "::", "text", rest @ ..] | [step, key, rest @ ..]
                if key.starts_with('\'') =>
            {
                (std::slice::from_ref(step), rest)
            }
            _ => return false,
        };
        match steps {
            ["->>"] => return rest.is_empty(),
            ["->"] => steps = rest,
            _ => return false,
        }
    }
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
