//! What depends on when and where PostgreSQL reads a text.
//!
//! It reads the literals of a policy, a check, a default or an index when that is made, and keeps their values: `'now'` is
//! the moment of it, and a moment without an offset stands in the time zone of the session.
//! Source: <https://www.postgresql.org/docs/15/datatype-datetime.html#DATATYPE-DATETIME-SPECIAL-VALUES>.

use super::moments::{Clock, Moment};
use super::uuid;
use crate::schema::Type;

const WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// What else may stand in a moment that says no offset.
/// Source: `datetktbl` in PostgreSQL's `src/backend/utils/adt/datetime.c`.
const OF_MOMENTS: [&str; 64] = [
    "ad",
    "allballs",
    "am",
    "apr",
    "april",
    "at",
    "aug",
    "august",
    "bc",
    "d",
    "dec",
    "december",
    "dow",
    "doy",
    "dst",
    "epoch",
    "feb",
    "february",
    "fri",
    "friday",
    "h",
    "infinity",
    "isodow",
    "isoyear",
    "j",
    "jan",
    "january",
    "jd",
    "jul",
    "julian",
    "july",
    "jun",
    "june",
    "m",
    "mar",
    "march",
    "may",
    "mm",
    "mon",
    "monday",
    "nov",
    "november",
    "oct",
    "october",
    "on",
    "pm",
    "s",
    "sat",
    "saturday",
    "sep",
    "sept",
    "september",
    "sun",
    "sunday",
    "t",
    "thu",
    "thur",
    "thurs",
    "thursday",
    "tue",
    "tues",
    "tuesday",
    "y",
    "z",
];

/// Those of which no more is known here than their names, and that no setting reads otherwise.
const NAMED: [&str; 24] = [
    "bit",
    "box",
    "cidr",
    "circle",
    "citext",
    "hstore",
    "inet",
    "int4range",
    "int8range",
    "json",
    "line",
    "lseg",
    "ltree",
    "macaddr",
    "macaddr8",
    "name",
    "numrange",
    "oid",
    "path",
    "point",
    "polygon",
    "tsvector",
    "varbit",
    "vector",
];

/// The words of a text, in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphabetic());
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The word in a text that stands for when it is read, where it is read as that type.
pub fn moment_of_reading(ty: &Type, text: &str) -> Option<&'static str> {
    match ty {
        Type::Date | Type::Timestamp(_) | Type::Timestamptz(_) | Type::Time(_) => word(text),
        _ => None,
    }
}

fn word(text: &str) -> Option<&'static str> {
    let mut found = words(text);
    found.find_map(|it| WORDS.into_iter().find(|word| *word == it))
}

/// Whether a text is one value of a type whenever and wherever it is read.
pub(crate) fn is_lasting(ty: &Type, text: &str) -> bool {
    let moment = || Moment::read(text).filter(|it| it.exists());
    match ty {
        Type::Text | Type::Varchar(_) | Type::Char(_) | Type::Bytea | Type::Jsonb => true,
        Type::Bool | Type::Uuid | Type::Int2 | Type::Int4 | Type::Int8 => true,
        Type::Numeric(_) | Type::Float4 | Type::Float8 => true,
        Type::Date | Type::Timestamp(_) => moment().is_some(),
        Type::Timestamptz(_) => moment().is_some_and(|it| it.offset.is_some()),
        Type::Time(_) => Clock::read(text.trim()).is_some_and(Clock::exists),
        // A sign may be that of all that follows.
        Type::Interval => !text.contains('-'),
        Type::Named(name) => NAMED.contains(&name.as_str()),
        Type::Array(ty) => !matches!(**ty, Type::Interval) && is_lasting(ty, text),
    }
}

/// Whether that is so of a text whatever type it is read as: it holds no moment, or one with a zone. A moment has digits
/// enough for a day, and no other words.
pub(crate) fn is_lasting_anywhere(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let holds_more = text.contains(['(', '[', '{', ',', '"', '\\']);
    let is_number = digits == text.len() && digits <= 4;
    let has_else = words(text).any(|word| !OF_MOMENTS.contains(&word.as_str()));
    word(text).is_none()
        && !text.contains('\\')
        && (digits == 0 || is_number || uuid(text).is_some() || (has_else && !holds_more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_a_moment_is_found_in_any_spelling() {
        let at = Type::Timestamptz(None);
        for (text, word) in [
            ("now", "now"),
            (" NOW ", "now"),
            ("Today 10:00", "today"),
            ("10:00 tomorrow", "tomorrow"),
            ("yesterday04:05", "yesterday"),
        ] {
            assert_eq!(moment_of_reading(&at, text), Some(word), "{text}");
            assert!(
                !is_lasting(&at, text) && !is_lasting_anywhere(text),
                "{text}"
            );
            assert_eq!(moment_of_reading(&Type::Text, text), None, "{text}");
            assert!(is_lasting(&Type::Text, text), "{text}");
        }
        for text in ["epoch", "infinity", "2026-01-01", "nowhere"] {
            assert_eq!(moment_of_reading(&at, text), None, "{text}");
        }
    }

    #[test]
    fn a_text_lasts_where_no_session_reads_it_otherwise() {
        let (at, local) = (Type::Timestamptz(None), Type::Timestamp(None));
        for text in ["2026-01-01", "2026-01-01 10:00"] {
            assert!(!is_lasting(&at, text) && is_lasting(&local, text), "{text}");
        }
        assert!(is_lasting(&at, "2026-01-01 10:00+00"));
        assert!(!is_lasting(&Type::Date, "1/2/2026"));
        assert!(is_lasting(&Type::Interval, "7 days") && !is_lasting(&Type::Interval, "-1 2:00"));
        assert!(is_lasting(&Type::Array(Box::new(Type::Text)), "{now}"));
        assert!(!is_lasting(&Type::Array(Box::new(at)), "{now}"));
        for text in ["", "draft", "level 12", "org_2024", "42", "1 day", "epoch"] {
            assert!(is_lasting_anywhere(text), "{text}");
        }
        assert!(is_lasting_anywhere("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
        for text in [
            "1-jan-1",
            "J1",
            "20260101",
            "2026-01-01T10:00",
            "[2026-01-01,)",
            "(x,2026-01-01)",
        ] {
            assert!(!is_lasting_anywhere(text), "{text}");
        }
    }
}
