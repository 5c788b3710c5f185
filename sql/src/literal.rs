//! What a text says as a value of a type: whether PostgreSQL would read it, and which value it is.
//!
//! PostgreSQL reads times in many forms. Here only those are judged that mean the same everywhere, such as
//! `2026-02-03 04:05:06+01`; of any other nothing is said.
//! Sources: <https://www.postgresql.org/docs/15/datatype-datetime.html#DATATYPE-DATETIME-INPUT> and
//! <https://www.postgresql.org/docs/15/datatype-uuid.html>.

mod moments;
mod numbers;
mod reading;

use std::cmp::Ordering;

use crate::schema::Type;
use moments::{Clock, Moment};
pub use reading::moment_of_reading;
pub(crate) use reading::{is_lasting, is_lasting_anywhere};

/// By how many microseconds clocks are put back at most: in what `set time zone` takes, an hour less than a week is as
/// far from UTC as a time gets to either side.
const FARTHEST: u64 = 14 * 24 * 60 * 60 * 1_000_000;

/// Whether a text is certainly no value of a type.
pub fn is_refused(ty: &Type, text: &str) -> bool {
    match ty {
        Type::Date | Type::Timestamp(_) | Type::Timestamptz(_) => {
            Moment::read(text).is_some_and(|moment| !moment.exists())
        }
        Type::Time(_) => Clock::read(text.trim()).is_some_and(|clock| !clock.exists()),
        Type::Uuid => uuid(text).is_none(),
        Type::Int2 => !is_integer(text, |text| text.parse::<i16>().is_ok()),
        Type::Int4 => !is_integer(text, |text| text.parse::<i32>().is_ok()),
        Type::Int8 => !is_integer(text, |text| text.parse::<i64>().is_ok()),
        Type::Bool => boolean(text).is_none(),
        Type::Jsonb => !is_json(text),
        Type::Named(name) => name == "json" && !is_json(text),
        _ => false,
    }
}

/// Whether it may be an integer. PostgreSQL 16 reads `0x1f` and `1_000` too.
fn is_integer(text: &str, fits: impl Fn(&str) -> bool) -> bool {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let is_newer = text.contains('_') || text.trim_start_matches(['+', '-']).starts_with("0x");
    let is_newer = is_newer || text.contains(['o', 'O', 'b', 'B', 'X']);
    is_newer || fits(text)
}

/// Source: `parse_bool_with_len` in PostgreSQL's `src/backend/utils/adt/bool.c`.
fn boolean(text: &str) -> Option<bool> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{b}');
    let text = text.to_ascii_lowercase();
    let begins = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    let words = [
        ("true", 1, true),
        ("false", 1, false),
        ("yes", 1, true),
        ("no", 1, false),
        ("on", 2, true),
        ("off", 2, false),
        ("1", 1, true),
        ("0", 1, false),
    ];
    let mut words = words.iter();
    let (.., value) = words.find(|(word, least, _)| begins(word, *least))?;
    Some(*value)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Whether two texts are one value of a type, where the texts tell it. `collation` is the one that is named, where
/// one is: only those that PostgreSQL brings are known to tell any two texts apart.
pub fn is_same(ty: &Type, collation: Option<&str>, a: &str, b: &str) -> Option<bool> {
    match ty {
        _ if a == b => Some(true),
        Type::Text | Type::Varchar(_) | Type::Char(_)
            if collation.is_some_and(|collation| !is_by_bytes(collation)) =>
        {
            None
        }
        Type::Char(_) => Some(a.trim_end_matches(' ') == b.trim_end_matches(' ')),
        // Blanks that are too many are cut off.
        Type::Varchar(Some(_)) => {
            (a.trim_end_matches(' ') != b.trim_end_matches(' ')).then_some(false)
        }
        Type::Text | Type::Varchar(None) => Some(false),
        _ => Some(compare(ty, collation, a, b)? == Ordering::Equal),
    }
}

/// The order of two texts as values of a type, where the texts tell it. `collation` is the one that is
/// named, where one is.
pub fn compare(ty: &Type, collation: Option<&str>, a: &str, b: &str) -> Option<Ordering> {
    match ty {
        Type::Date => {
            let (a, b) = (Moment::read(a)?, Moment::read(b)?);
            (a.exists() && b.exists()).then(|| a.day.cmp(&b.day))
        }
        Type::Timestamp(digits) | Type::Timestamptz(digits) => {
            let (a, b) = (Moment::read(a)?, Moment::read(b)?);
            let is_exact = |it: Moment| it.exists() && it.clock.is_exact(*digits);
            if !(is_exact(a) && is_exact(b)) {
                return None;
            }
            match (ty, a.offset, b.offset) {
                (Type::Timestamp(_), ..) => Some(a.local().cmp(&b.local())),
                (_, Some(_), Some(_)) => Some(a.instant().cmp(&b.instant())),
                // Clocks are put back, over midnight too; by how much, a zone says as it likes.
                (_, None, None) => {
                    let apart = a.local().abs_diff(b.local());
                    let is_told = apart == 0 || apart > FARTHEST;
                    is_told.then(|| a.local().cmp(&b.local()))
                }
                _ => None,
            }
        }
        Type::Time(digits) => {
            let (a, b) = (Clock::read(a.trim())?, Clock::read(b.trim())?);
            let is_exact = |it: Clock| it.exists() && it.is_exact(*digits);
            (is_exact(a) && is_exact(b)).then(|| a.micros().cmp(&b.micros()))
        }
        Type::Uuid => Some(uuid(a)?.cmp(&uuid(b)?)),
        // It is filled up with blanks, which play no part.
        Type::Char(_) => texts(collation, a.trim_end_matches(' '), b.trim_end_matches(' ')),
        Type::Text | Type::Varchar(_) => texts(collation, a, b),
        Type::Bool => Some(boolean(a)?.cmp(&boolean(b)?)),
        _ if a == b => Some(Ordering::Equal),
        _ => numbers::compare(ty, a, b),
    }
}

/// Whether a collation compares the bytes of texts.
pub(crate) fn is_by_bytes(collation: &str) -> bool {
    matches!(collation, "C" | "POSIX" | "ucs_basic")
}

/// The order of two texts. But for those that compare bytes, a collation may order any two of them otherwise: languages
/// move letters and take several for one, and rules of one's own do as they like. Which bytes a letter has beyond ASCII
/// is the database's encoding.
fn texts(collation: Option<&str>, a: &str, b: &str) -> Option<Ordering> {
    if a == b || !collation.is_some_and(is_by_bytes) {
        return (a == b).then_some(Ordering::Equal);
    }
    match a.chars().zip(b.chars()).find(|(a, b)| a != b) {
        Some((a, b)) => (a.is_ascii() || b.is_ascii()).then(|| a.cmp(&b)),
        None => Some(a.len().cmp(&b.len())),
    }
}

/// The digits of a UUID in lower case. Braces, and a hyphen behind every four digits, are as one likes.
fn uuid(text: &str) -> Option<String> {
    let inner = match text.strip_prefix('{') {
        Some(rest) => rest.strip_suffix('}')?,
        None => text,
    };
    let mut digits = String::with_capacity(32);
    for c in inner.chars() {
        match c {
            '-' if matches!(digits.len(), 4 | 8 | 12 | 16 | 20 | 24 | 28) => {}
            c if c.is_ascii_hexdigit() => digits.push(c.to_ascii_lowercase()),
            _ => return None,
        }
    }
    let doubled = inner.contains("--") || inner.ends_with('-');
    (digits.len() == 32 && !doubled).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_equal(ty: &Type, a: &str, b: &str) -> bool {
        is_same(ty, None, a, b) == Some(true)
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for text in [
            "2026-02-30",
            "2026-13-01",
            "2026-00-10",
            "0000-01-01",
            "1900-02-29",
            "2026-02-29 10:00",
            "2026-01-01 25:00",
            "2026-01-01T10:60:00Z",
            "20260230",
        ] {
            assert!(is_refused(&Type::Date, text), "{text}");
            assert!(is_refused(&Type::Timestamptz(None), text), "{text}");
        }
        for text in [
            "2026-02-28",
            "2024-02-29",
            "2000-02-29",
            "2026-12-31 24:00:00",
            "2026-06-30 23:59:60",
            "today",
            "infinity",
            "January 8, 1999",
            "99-02-30",
            "2026-02-30 BC",
        ] {
            assert!(!is_refused(&Type::Date, text), "{text}");
        }
        assert!(is_refused(&Type::Time(None), "12:75"));
        assert!(!is_refused(&Type::Time(None), "12:15 PM"));
        assert!(is_refused(&Type::Uuid, "a0eebc99"));
        assert!(!is_refused(&Type::Text, "2026-02-30"));
    }

    #[test]
    fn bytes_have_an_order_as_far_as_every_encoding_has_it() {
        let order = |a: &str, b: &str| compare(&Type::Text, Some("C"), a, b);
        for (less, greater) in [
            ("a", "b"),
            ("B", "a"),
            ("a", "aa"),
            ("az", "aä"),
            ("ä", "äb"),
        ] {
            assert_eq!(order(less, greater), Some(Ordering::Less), "{less}");
            assert_eq!(order(greater, less), Some(Ordering::Greater), "{less}");
        }
        // EUC_JP has the comma first.
        assert_eq!(order("α", "、"), None);
        assert_eq!(order("東", "東"), Some(Ordering::Equal));
    }

    #[test]
    fn one_value_has_several_texts() {
        let one = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        for other in [
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380A11}",
        ] {
            assert!(are_equal(&Type::Uuid, one, other), "{other}");
        }
        for none in [
            "a0ee-",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",
            "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "a0-eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",
        ] {
            assert!(is_refused(&Type::Uuid, none), "{none}");
        }
        for (ty, right, wrong) in [
            (
                Type::Int2,
                ["-32768", " +7 ", "0x1F"],
                ["32768", "x", "1.5"],
            ),
            (
                Type::Int8,
                ["9223372036854775807", "1_000", "-0b1"],
                ["", "1e3", "9223372036854775808"],
            ),
            (Type::Bool, ["tr", " OFF", "1"], ["o", "2", "truer"]),
            (Type::Jsonb, ["{}", " null", "\"x\""], ["", "{x: 1}", "'x'"]),
            (
                Type::Named("json".into()),
                ["[1]", "1e999", "true"],
                ["[1,]", "True", "{"],
            ),
        ] {
            for text in right {
                assert!(!is_refused(&ty, text), "{text}");
            }
            for text in wrong {
                assert!(is_refused(&ty, text), "{text}");
            }
        }
        let utc = Type::Timestamptz(None);
        assert!(are_equal(
            &utc,
            "2026-01-01 00:30:00+01",
            "2025-12-31T23:30Z"
        ));
        assert!(!are_equal(&utc, "2026-01-01 00:00", "2026-01-01 00:00Z"));
        assert!(are_equal(&Type::Date, "2026-01-01", "2026-1-1"));
        assert!(are_equal(&Type::Date, "2026-01-01", "20260101"));
        let local = Type::Timestamp(None);
        assert!(are_equal(&local, "2025-12-31 24:00", "2026-01-01"));
        assert!(are_equal(&local, "2026-02-28 23:59:60", "2026-03-01"));
        assert!(are_equal(&Type::Time(None), "23:59:60", "24:00"));
        assert!(are_equal(&Type::Char(2), "a", "a "));
        assert!(!are_equal(&Type::Text, "a", "a "));
    }

    #[test]
    fn an_order_is_told_only_where_there_is_one() {
        use Ordering::{Equal, Greater, Less};
        let order = |a, b| compare(&Type::Text, None, a, b);
        assert_eq!(order("i", "i"), Some(Equal));
        // In Azerbaijani `x` stands behind `h`; a digit or what goes on may be ordered by a rule of one's own.
        for (one, other) in [("i", "x"), ("2024", "2025"), ("a", "ab")] {
            assert_eq!(order(one, other), None, "{one} {other}");
        }
        assert_eq!(compare(&Type::Text, Some("C"), "a", "B"), Some(Greater));
        let stamp = |a, b| compare(&Type::Timestamptz(None), None, a, b);
        assert_eq!(stamp("2026-02-01", "2026-03-01"), Some(Less));
        assert_eq!(stamp("2026-03-29 02:30", "2026-03-29 03:00"), None);
        // Clocks change at midnight in Nuuk, and by a day in Apia.
        for (one, other) in [
            ("2024-03-30 23:30", "2024-03-31 00:15"),
            ("2011-12-29 23:00", "2011-12-31 01:00"),
            ("2026-02-01", "2026-02-14"),
        ] {
            assert_eq!(stamp(one, other), None, "{one} {other}");
        }
        let zones = stamp("2024-03-30 23:30+00", "2024-03-31 00:15+00");
        assert_eq!(zones, Some(Less));
        assert_eq!(compare(&Type::Date, None, "2026-02-30", "2026-03-01"), None);
        let hundreds = Type::Named("numeric(5,-2)".into());
        assert_eq!(compare(&hundreds, None, "150", "200"), None);
    }
}
