//! Numbers as literals write them.

use std::cmp::Ordering;

use crate::schema::Type;

/// The order of two numbers without an exponent, where a type holds both as they are and does not round them.
pub(super) fn compare(ty: &Type, a: &str, b: &str) -> Option<Ordering> {
    let parts = |text: &str| {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        let is_zero = whole.is_empty() && fraction.is_empty();
        let is_number = [&whole, &fraction]
            .into_iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        (is_number && is_exact(ty, whole.len(), fraction.len()))
            .then_some((is_negative && !is_zero, (whole.len(), whole, fraction)))
    };
    let ((a_is_negative, a), (b_is_negative, b)) = (parts(a)?, parts(b)?);
    Some(match (a_is_negative, b_is_negative) {
        (false, false) => a.cmp(&b),
        (true, true) => b.cmp(&a),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

/// Whether a type holds a number of so many digits before the point and behind it.
fn is_exact(ty: &Type, whole: usize, fraction: usize) -> bool {
    match ty {
        Type::Numeric(None) => true,
        Type::Numeric(Some((_, scale))) => {
            i64::try_from(fraction).is_ok_and(|it| it <= i64::from(*scale))
        }
        Type::Float4 => whole + fraction <= 6,
        Type::Float8 => whole + fraction <= 15,
        Type::Int2 | Type::Int4 | Type::Int8 => fraction == 0,
        // Such as `numeric(5, -2)`, which rounds before the point.
        _ => false,
    }
}
