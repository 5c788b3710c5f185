//! Versions: moments in UTC, to the second, as fourteen digits.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// The moment as a version, or the first second after the last version where that is later.
pub(super) fn later_than(last: &str, seconds: u64) -> String {
    let version = timestamp(seconds);
    if version.as_str() > last {
        version
    } else {
        after(last, 1)
    }
}

/// The version so many seconds after another.
pub(super) fn after(version: &str, seconds: u64) -> String {
    timestamp(seconds_of(version).unwrap_or_default() + seconds)
}

/// `YYYYMMDDHHMMSS` in UTC.
fn timestamp(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}",
        time / 3_600,
        time / 60 % 60,
        time % 60
    )
}

/// The inverse of [`timestamp`].
fn seconds_of(version: &str) -> Option<u64> {
    let part = |from: usize, to: usize| version.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let days: u64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let months: u64 = (1..month).map(|month| days_in(year, month)).sum();
    let time = part(8, 10)? * 3_600 + part(10, 12)? * 60 + part(12, 14)?;
    Some((days + months + day.checked_sub(1)?) * 86_400 + time)
}

/// Year, month and day of a day since 1970.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let mut month = 1;
    while days >= days_in(year, month) {
        days -= days_in(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u64, month: u64) -> u64 {
    match month {
        2 if leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_moment_in_utc_and_always_later() {
        assert_eq!(timestamp(0), "19700101000000");
        assert_eq!(timestamp(951_827_696), "20000229123456");
        assert_eq!(timestamp(4_107_542_399), "21000228235959");
        for seconds in [0, 951_827_696, 1_735_689_599, 4_107_542_400] {
            assert_eq!(seconds_of(&timestamp(seconds)), Some(seconds));
        }
        assert_eq!(later_than("", 0), "19700101000000");
        assert_eq!(later_than("20000229123456", 951_827_696), "20000229123457");
        assert_eq!(after("20240228235959", 2), "20240229000001");
        assert_eq!(later_than("20241231235959", 0), "20250101000000");
    }
}
