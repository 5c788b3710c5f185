//! What becomes of a column's values when its type changes.
//!
//! Source: `pg_cast`, and which casts leave a value's bytes as they are
//! (<https://www.postgresql.org/docs/15/sql-altertable.html>, the note on `SET DATA TYPE`).

use super::Type;

/// What changing a column from one type to another takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cast {
    /// Every value is written anew.
    pub rewrites: bool,
    /// Some value of the old type has no equal in the new one, so that the way back may not give it back.
    pub loses: bool,
}

/// The cast between two types; `None` where PostgreSQL has none, or none that is known here.
pub fn cast(from: &Type, to: &Type) -> Option<Cast> {
    if from == to {
        return Some(Cast {
            rewrites: false,
            loses: false,
        });
    }
    if !exists(from, to) {
        return None;
    }
    Some(Cast {
        rewrites: !keeps_bytes(from, to),
        loses: !widens(from, to),
    })
}

fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) => true,
        ty => ty.is_citext(),
    }
}

/// Whether it takes any text as it is. `citext` compares otherwise, and keeps the same.
fn takes_any_text(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Varchar(None)) || ty.is_citext()
}

/// Whether a value's text gives the same value back, whatever the settings of the session.
fn has_exact_text(ty: &Type) -> bool {
    use Type::*;
    match ty {
        Text | Varchar(_) | Uuid | Bool | Int2 | Int4 | Int8 | Numeric(_) | Jsonb => true,
        Named(name) => matches!(
            name.as_str(),
            "json" | "inet" | "cidr" | "macaddr" | "macaddr8"
        ),
        _ => false,
    }
}

fn is_number(ty: &Type) -> bool {
    use Type::*;
    matches!(ty, Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_))
}

/// Whether the values of both are of one kind, so that a column of the one may well have become one of the other.
pub(crate) fn is_alike(one: &Type, other: &Type) -> bool {
    let is_moment =
        |ty: &Type| matches!(ty, Type::Date | Type::Timestamp(_) | Type::Timestamptz(_));
    let is_json = |ty: &Type| matches!(ty.internal_name().as_str(), "json" | "jsonb");
    if let (Type::Array(one), Type::Array(other)) = (one, other) {
        return is_alike(one, other);
    }
    one.internal_name() == other.internal_name()
        || (is_number(one) && is_number(other))
        || (is_text(one) && is_text(other))
        || (is_moment(one) && is_moment(other))
        || (is_json(one) && is_json(other))
}

fn exists(from: &Type, to: &Type) -> bool {
    use Type::*;
    match (from, to) {
        // Whatever has a text goes through it.
        _ if is_text(from) || is_text(to) => true,
        _ if is_number(from) && is_number(to) => true,
        (Bool, Int4) | (Int4, Bool) => true,
        (Date | Timestamp(_) | Timestamptz(_), Date | Timestamp(_) | Timestamptz(_)) => true,
        (Timestamp(_) | Timestamptz(_) | Interval, Time(_)) => true,
        (Time(_), Time(_) | Interval) => true,
        (Jsonb, Named(name)) | (Named(name), Jsonb) => name == "json",
        (Array(from), Array(to)) => exists(from, to),
        _ if from.internal_name() == to.internal_name() => true,
        (Named(a), Named(b)) => matches!(
            (a.as_str(), b.as_str()),
            ("inet", "cidr") | ("cidr", "inet") | ("macaddr", "macaddr8") | ("macaddr8", "macaddr")
        ),
        _ => false,
    }
}

fn keeps_bytes(from: &Type, to: &Type) -> bool {
    use Type::*;
    let not_fewer = |from: &Option<u8>, to: &Option<u8>| match (from, to) {
        (_, None) => true,
        (None, Some(digits)) => *digits >= 6,
        (Some(before), Some(after)) => after >= before,
    };
    match (from, to) {
        _ if loosens(from, to) => true,
        (Text | Varchar(_), Text | Varchar(None)) => true,
        (Varchar(Some(before)), Varchar(Some(after))) => after >= before,
        (Text | Varchar(_), to) if to.is_citext() => true,
        (from, Text | Varchar(None)) if from.is_citext() => true,
        (Numeric(_), Numeric(None)) => true,
        (Numeric(Some((p, s))), Numeric(Some((wider, scale)))) => scale == s && wider >= p,
        (Time(from), Time(to))
        | (Timestamp(from), Timestamp(to))
        | (Timestamptz(from), Timestamptz(to)) => not_fewer(from, to),
        (Named(from), Named(to)) => from == "cidr" && to == "inet",
        _ => false,
    }
}

/// Whether only a modifier goes: no value has to be looked at. An array keeps its bytes in this case alone.
fn loosens(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Array(from), Type::Array(to)) => from == to || loosens(from, to),
        _ => from.internal_name() == to.internal_name() && !to.to_string().contains('('),
    }
}

/// Whether every value of one type is one of the other type too.
fn widens(from: &Type, to: &Type) -> bool {
    use Type::*;
    let not_fewer = |from: &Option<u8>, to: &Option<u8>| match (from, to) {
        (_, None) => true,
        (None, Some(digits)) => *digits >= 6,
        (Some(before), Some(after)) => after >= before,
    };
    match (from, to) {
        (a, b) if a == b || loosens(a, b) => true,
        (Int2, Int4 | Int8 | Numeric(None) | Float4 | Float8) => true,
        (Int4, Int8 | Numeric(None) | Float8) => true,
        (Int8, Numeric(None)) | (Float4, Float8) => true,
        (Numeric(Some(_)), Numeric(None)) => true,
        (Numeric(Some((p, s))), Numeric(Some((wider, scale)))) => {
            // Digits before the point and after it: neither may become fewer.
            scale >= s && i32::from(*wider) - i32::from(*scale) >= i32::from(*p) - i32::from(*s)
        }
        (Varchar(Some(before)), Varchar(Some(after))) => after >= before,
        (from, to) if takes_any_text(to) => from.is_citext() || has_exact_text(from),
        // The other way, `jsonb` keeps neither the order of keys nor those that come twice.
        (Jsonb, Named(name)) => name == "json",
        (Time(from), Time(to))
        | (Timestamp(from), Timestamp(to))
        | (Timestamptz(from), Timestamptz(to)) => not_fewer(from, to),
        (Date, Timestamp(_)) => true,
        (Named(from), Named(to)) => from == "cidr" && to == "inet",
        (Array(from), Array(to)) => widens(from, to),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_widens_only_where_no_value_is_lost() {
        let named = |name: &str| Type::Named(name.into());
        let numeric = |precision, scale| Type::Numeric(Some((precision, scale)));
        for (from, to, widens) in [
            (Type::Int4, Type::Int8, true),
            (Type::Int8, Type::Int4, false),
            (Type::Int8, Type::Float8, false),
            (Type::Float4, Type::Float8, true),
            (numeric(5, 2), Type::Numeric(None), true),
            (numeric(5, 2), numeric(10, 3), true),
            (numeric(5, 2), numeric(5, 3), false),
            (numeric(5, 2), numeric(5, 1), false),
            (Type::Text, Type::Uuid, false),
            (Type::Varchar(Some(5)), Type::Varchar(Some(9)), true),
            (Type::Varchar(Some(9)), Type::Varchar(Some(5)), false),
            (Type::Timestamptz(Some(3)), Type::Timestamptz(None), true),
            (Type::Text, named("citext"), true),
            (Type::Text, named("extensions.citext"), true),
            (Type::Varchar(Some(9)), named("citext"), true),
            (named("extensions.citext"), Type::Varchar(None), true),
            (named("citext"), Type::Varchar(Some(9)), false),
            (Type::Uuid, named("citext"), true),
            (Type::Jsonb, named("json"), true),
            (named("json"), Type::Jsonb, false),
            (Type::Jsonb, Type::Text, true),
            (named("inet"), Type::Text, true),
            // How a date reads depends on a setting.
            (Type::Date, Type::Text, false),
            (Type::Char(2), Type::Text, false),
        ] {
            let loses = cast(&from, &to).expect("a cast").loses;
            assert_eq!(!loses, widens, "{from} to {to}");
        }
    }

    #[test]
    fn what_postgresql_cannot_cast_has_no_cast() {
        assert_eq!(cast(&Type::Int8, &Type::Uuid), None);
        assert_eq!(cast(&Type::Bool, &Type::Int8), None);
        assert_eq!(cast(&Type::Jsonb, &Type::Uuid), None);
    }
}
