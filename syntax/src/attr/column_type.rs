//! What an attribute says about a column's type: `type = "…"`, `numeric(5, 2)`, `varchar(20)`, …

use proc_macro2::Span;
use syn::LitInt;
use tabellion_sql::raw;
use tabellion_sql::schema::Type;

use super::Arg;
use super::args::ArgValue;
use crate::Report;
use crate::ast::At;

/// What a Rust type leaves open about a column's type, told by a word of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Modifier {
    /// `numeric(5, 2)`
    Numeric(u16, u16),
    /// `varchar(20)`, or `varchar` of any length
    Varchar(Option<u32>),
    /// `char(2)`
    Char(u32),
    /// `precision(3)`: the digits of a second
    Precision(u8),
    /// `vector(384)`
    Vector(u32),
}

/// Source: `MaxAttrSize` of PostgreSQL's `htup_details.h`, the most characters that a type can ask for.
const MAX_CHARACTERS: u32 = 10 * 1024 * 1024;
/// Source: `VECTOR_MAX_DIM` of pgvector.
const MAX_DIMENSIONS: u32 = 16_000;

impl Modifier {
    /// Its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Modifier::Numeric(..) => "numeric",
            Modifier::Varchar(_) => "varchar",
            Modifier::Char(_) => "char",
            Modifier::Precision(_) => "precision",
            Modifier::Vector(_) => "vector",
        }
    }

    /// The Rust types that it says more about, as a message names them.
    pub(crate) fn subject(self) -> &'static str {
        match self {
            Modifier::Numeric(..) => "`Decimal`",
            Modifier::Varchar(_) | Modifier::Char(_) => "`String`",
            Modifier::Precision(_) => "a time or a timestamp",
            Modifier::Vector(_) => "`Vector`",
        }
    }

    /// The type with what the modifier says; `None` where it says nothing about such a type.
    pub(crate) fn of(self, ty: &Type) -> Option<Type> {
        Some(match (self, ty) {
            (_, Type::Array(element)) => Type::Array(Box::new(self.of(element)?)),
            (Modifier::Numeric(precision, scale), Type::Numeric(None)) => {
                Type::Numeric(Some((precision, scale)))
            }
            (Modifier::Varchar(length), Type::Text) => Type::Varchar(length),
            (Modifier::Char(length), Type::Text) => Type::Char(length),
            (Modifier::Precision(digits), Type::Time(None)) => Type::Time(Some(digits)),
            (Modifier::Precision(digits), Type::Timestamp(None)) => Type::Timestamp(Some(digits)),
            (Modifier::Precision(digits), Type::Timestamptz(None)) => {
                Type::Timestamptz(Some(digits))
            }
            (Modifier::Vector(dimensions), Type::Named(name)) if name == "vector" => {
                Type::Named(format!("vector({dimensions})"))
            }
            _ => return None,
        })
    }

    /// As it is written in `#[column(…)]`.
    pub(crate) fn written(self) -> String {
        let word = self.word();
        match self {
            Modifier::Numeric(precision, scale) => format!("{word}({precision}, {scale})"),
            Modifier::Varchar(None) => word.to_owned(),
            Modifier::Varchar(Some(n)) | Modifier::Char(n) | Modifier::Vector(n) => {
                format!("{word}({n})")
            }
            Modifier::Precision(digits) => format!("{word}({digits})"),
        }
    }
}

/// The modifier that turns one type into the other, where there is one.
pub(crate) fn modifier_between(own: &Type, stated: &Type) -> Option<Modifier> {
    let modifier = match (own, stated) {
        (Type::Array(own), Type::Array(stated)) => return modifier_between(own, stated),
        (_, Type::Numeric(Some((precision, scale)))) => Modifier::Numeric(*precision, *scale),
        (_, Type::Varchar(length)) => Modifier::Varchar(*length),
        (_, Type::Char(length)) => Modifier::Char(*length),
        (
            _,
            Type::Time(Some(digits))
            | Type::Timestamp(Some(digits))
            | Type::Timestamptz(Some(digits)),
        ) => Modifier::Precision(*digits),
        (_, Type::Named(name)) => {
            let dimensions = name.strip_prefix("vector(")?.strip_suffix(')')?;
            Modifier::Vector(dimensions.trim().parse().ok()?)
        }
        _ => return None,
    };
    (modifier.of(own).as_ref() == Some(stated)).then_some(modifier)
}

/// The numbers in a modifier's parentheses as what they say, if they say it.
type Read = fn(&[u32]) -> Option<Modifier>;

/// Reads a modifier; `Err` gives the argument back where it is none.
pub(super) fn modifier(arg: &Arg, report: &mut Report) -> Result<Option<At<Modifier>>, ()> {
    let key = arg.key.to_string();
    if key == "varchar"
        && let ArgValue::Flag = arg.value
    {
        return Ok(Some(At::new(Modifier::Varchar(None), arg.key.span())));
    }
    let (takes, read): (&str, Read) = match key.as_str() {
        // https://www.postgresql.org/docs/15/datatype-numeric.html: a precision of 1 to 1000.
        "numeric" => (
            "a precision of 1 to 1000 and a scale no larger; write `numeric(5, 2)`",
            |numbers| match *numbers {
                [precision @ 1..=1000, scale] if scale <= precision => {
                    let short = |n: u32| u16::try_from(n).ok();
                    Some(Modifier::Numeric(short(precision)?, short(scale)?))
                }
                _ => None,
            },
        ),
        "varchar" => (
            "a length of 1 to 10485760 characters; write `varchar(20)`",
            |numbers| match *numbers {
                [length @ 1..=MAX_CHARACTERS] => Some(Modifier::Varchar(Some(length))),
                _ => None,
            },
        ),
        "char" => (
            "a length of 1 to 10485760 characters; write `char(2)`",
            |numbers| match *numbers {
                [length @ 1..=MAX_CHARACTERS] => Some(Modifier::Char(length)),
                _ => None,
            },
        ),
        // https://www.postgresql.org/docs/15/datatype-datetime.html
        "precision" => (
            "0 to 6 digits of a second; write `precision(3)`",
            |numbers| match *numbers {
                [digits @ 0..=6] => Some(Modifier::Precision(u8::try_from(digits).ok()?)),
                _ => None,
            },
        ),
        "vector" => (
            "1 to 16000 dimensions; write `vector(384)`",
            |numbers| match *numbers {
                [dimensions @ 1..=MAX_DIMENSIONS] => Some(Modifier::Vector(dimensions)),
                _ => None,
            },
        ),
        _ => return Err(()),
    };
    let Some((numbers, span)) = arg.list::<LitInt>(report) else {
        return Ok(None);
    };
    let numbers: Option<Vec<u32>> = numbers.iter().map(|n| n.base10_parse().ok()).collect();
    match numbers.as_deref().and_then(read) {
        Some(modifier) => Ok(Some(At::new(modifier, span))),
        None => {
            report.at(span, format!("`{key}` takes {takes}"));
            Ok(None)
        }
    }
}

/// The value of `type = "…"`.
pub(super) fn stated(arg: &Arg, report: &mut Report) -> Option<At<Type>> {
    let text = arg.string(report)?;
    match raw::data_type(&text.value) {
        Ok(ty) => {
            not_a_columns(&ty, text.span, report);
            Some(At::new(ty, text.span))
        }
        Err(message) => {
            report.at(
                text.span,
                format!("`type` is not a valid SQL type: {message}"),
            );
            None
        }
    }
}

/// Names that stand where a type does and are none that a column could have.
fn not_a_columns(ty: &Type, span: Span, report: &mut Report) {
    let Type::Named(name) = ty else {
        return;
    };
    let name = name.to_ascii_lowercase();
    let message = match name.as_str() {
        "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8" => {
            format!("`{name}` is no type but a way of numbering; write `#[column(serial)]`")
        }
        // https://www.postgresql.org/docs/15/datatype-pseudo.html
        "any" | "anyelement" | "anyarray" | "record" | "void" | "trigger" | "cstring"
        | "unknown" => {
            format!("`{name}` is a pseudo-type, which no column can have; name another type")
        }
        _ => return,
    };
    report.at(span, message);
}
