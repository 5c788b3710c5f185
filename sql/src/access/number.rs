//! Numbers as they stand in predicates, in their order.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Add;

/// A number with a fraction of up to 18 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number {
    /// As many times the smallest one above 0.
    units: i128,
}

/// How many of the smallest one are 1.
const ONE: i128 = 1_000_000_000_000_000_000;

impl Number {
    pub(super) const ZERO: Number = Number { units: 0 };

    pub(super) fn whole(number: i128) -> Option<Number> {
        let units = number.checked_mul(ONE)?;
        Some(Number { units })
    }

    /// Digits, with a point among them or without; `None` for what it has no room for.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) || fraction.len() > 18 {
            return None;
        }
        let fraction: i128 = format!("{fraction:0<18}").parse().ok()?;
        let units = Number::whole(whole.parse().ok()?)?
            .units
            .checked_add(fraction)?;
        Some(Number { units })
    }

    pub(super) fn negative(self) -> Number {
        Number { units: -self.units }
    }

    pub(super) fn is_whole(self) -> bool {
        self.units % ONE == 0
    }

    /// As PostgreSQL reads it for a `double precision`.
    pub(super) fn as_f64(self) -> Option<f64> {
        let number = self.to_string().parse().ok();
        number.filter(|it: &f64| it.is_finite())
    }

    /// As PostgreSQL reads it for a `real`.
    pub(super) fn as_f32(self) -> Option<f32> {
        let number = self.to_string().parse().ok();
        number.filter(|it: &f32| it.is_finite())
    }

    /// Whether no type of numbers with a fraction rounds it.
    pub(super) fn is_same_everywhere(self) -> bool {
        let real = self.as_f32();
        real.is_some_and(|it| {
            // With all its digits: `0.1` is another number as `real` than as `double precision`.
            let exact = format!("{:.18}", f64::from(it.abs()));
            Number::parse(&exact).map(|it| it.units) == Some(self.units.abs())
        })
    }

    /// How many whole numbers lie between two of them.
    pub(super) fn between(self, above: Number) -> usize {
        let distance = above.units.saturating_sub(self.units);
        usize::try_from(distance / ONE - 1).unwrap_or(usize::MAX)
    }
}

impl Add<i128> for Number {
    type Output = Number;

    fn add(self, whole: i128) -> Number {
        Number {
            units: self.units.saturating_add(whole.saturating_mul(ONE)),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let (whole, fraction) = (self.units.abs() / ONE, self.units.abs() % ONE);
        write!(f, "{sign}{whole}")?;
        match fraction {
            0 => Ok(()),
            fraction => write!(f, ".{}", format!("{fraction:018}").trim_end_matches('0')),
        }
    }
}

/// A `double precision`, in PostgreSQL's order. It is none of its three odd values, nor a zero with a sign.
#[derive(Debug, Clone, Copy)]
pub(super) struct Float(f64);

impl Float {
    pub(super) fn new(value: f64) -> Float {
        Float(if value == 0.0 { 0.0 } else { value })
    }
}

impl Ord for Float {
    fn cmp(&self, other: &Float) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Float) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

impl fmt::Display for Float {
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is looked at")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let real = self.0 as f32;
        match self.0.fract() != 0.0 && Float::new(f64::from(real)) == *self {
            true => write!(f, "{real}"),
            false => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_it_reads_as_and_stands_in_its_order() {
        let texts = [
            "0",
            "0.5",
            "9.000000000000000001",
            "9.25",
            "10",
            "9223372036854775808",
        ];
        let numbers = texts.map(|text| Number::parse(text).expect(text));
        assert_eq!(numbers.map(|number| number.to_string()), texts);
        assert!(numbers.is_sorted());
        assert!(numbers.map(Number::negative).iter().rev().is_sorted());
        assert_eq!(numbers[1].negative().to_string(), "-0.5");
        assert_eq!(Number::parse("1.50"), Number::parse("1.5"));
        for text in [
            "",
            ".5",
            "1e3",
            "1_000",
            "0x1",
            "1.0000000000000000001",
            "1.2.3",
        ] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
        assert_eq!(Number::parse(&"9".repeat(30)), None);
        let (one, four) = (Number::whole(1).expect("1"), Number::whole(4).expect("4"));
        assert_eq!((one.between(four), one + 3), (2, four));
        let greatest = Number::parse("170141183460469231731").expect("it has room");
        let all = greatest.negative().between(greatest);
        assert!(all > 1_000_000, "{all}");
    }
}
