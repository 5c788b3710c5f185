//! Times and days as ISO 8601 has them, whatever the settings of a session.

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
}

impl Clock {
    const MIDNIGHT: Clock = Clock {
        hour: 0,
        minute: 0,
        second: 0,
        micros: 0,
    };

    /// `04:05`, `04:05:06`, `04:05:06.789`
    pub(super) fn read(text: &str) -> Option<Clock> {
        let mut parts = text.split(':');
        let (hour, minute) = (parts.next()?, parts.next()?);
        let second = parts.next().unwrap_or("00");
        let (second, fraction) = second.split_once('.').unwrap_or((second, "0"));
        if parts.next().is_some() || fraction.is_empty() || fraction.len() > 6 {
            return None;
        }
        let micros = number(fraction, 1..=6)? * 10_u32.pow(6 - u32::try_from(fraction.len()).ok()?);
        Some(Clock {
            hour: number(hour, 1..=2)?,
            minute: number(minute, 2..=2)?,
            second: number(second, 2..=2)?,
            micros,
        })
    }

    /// The last second of a day may be its 60th, and its last hour the 24th.
    pub(super) fn exists(self) -> bool {
        let is_end = self.hour == 24 && (self.minute, self.second, self.micros) == (0, 0, 0);
        let second = self.second < 60 || (self.second == 60 && self.micros == 0);
        is_end || (self.hour < 24 && self.minute < 60 && second)
    }

    /// Whether a type of so many digits behind the seconds holds it as it is, or rounds it.
    pub(super) fn is_exact(self, digits: Option<u8>) -> bool {
        digits.is_none_or(|digits| {
            self.micros
                .is_multiple_of(10_u32.pow(6 - u32::from(digits.min(6))))
        })
    }

    /// Since midnight; the 60th second of a minute is the first of the next.
    pub(super) fn micros(self) -> i64 {
        let seconds = (i64::from(self.hour) * 60 + i64::from(self.minute)) * 60;
        (seconds + i64::from(self.second)) * 1_000_000 + i64::from(self.micros)
    }
}

/// A day, a time of it, and how far that is from UTC where it is said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) day: (u32, u32, u32),
    pub(super) clock: Clock,
    /// In minutes east of Greenwich.
    pub(super) offset: Option<i64>,
}

impl Moment {
    /// `2026-02-03`, `20260203`, `2026-02-03 04:05:06`, `2026-02-03T04:05:06.789+01:00`, `2026-02-03 04:05Z`
    pub(super) fn read(text: &str) -> Option<Moment> {
        let text = text.trim();
        let (day, rest) = match text.split_once(['T', ' ']) {
            Some((day, rest)) => (day, Some(rest)),
            None => (text, None),
        };
        let is_basic =
            rest.is_none() && day.len() == 8 && day.bytes().all(|it| it.is_ascii_digit());
        let parts: Vec<&str> = match is_basic {
            true => vec![&day[..4], &day[4..6], &day[6..]],
            false => day.split('-').collect(),
        };
        let [year, month, day] = parts.try_into().ok()?;
        let day = (
            number(year, 4..=4)?,
            number(month, 1..=2)?,
            number(day, 1..=2)?,
        );
        let (clock, offset) = match rest {
            None => (Clock::MIDNIGHT, None),
            Some(rest) => {
                let at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
                let (clock, offset) = rest.split_at(at);
                let offset = match offset {
                    "" => None,
                    offset => Some(self::offset(offset)?),
                };
                (Clock::read(clock)?, offset)
            }
        };
        Some(Moment { day, clock, offset })
    }

    pub(super) fn exists(self) -> bool {
        let (year, month, day) = self.day;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return false,
        };
        year > 0 && (1..=last).contains(&day) && self.clock.exists()
    }

    /// Microseconds from the start of the calendar, in UTC.
    pub(super) fn instant(self) -> i64 {
        self.local() - self.offset.unwrap_or_default() * 60_000_000
    }

    /// The same by the clock that it was read from.
    pub(super) fn local(self) -> i64 {
        let (year, month, day) = self.day;
        // Counted from March, so that the day that comes and goes is the last of a year.
        let (year, month) = match month {
            1 | 2 => (i64::from(year) - 1, i64::from(month) + 9),
            _ => (i64::from(year), i64::from(month) - 3),
        };
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = year * 365 + leaps + (month * 153 + 2) / 5 + i64::from(day);
        days * 24 * 60 * 60_000_000 + self.clock.micros()
    }
}

/// `Z`, `+01`, `-01:30`
fn offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = rest.split_once(':').unwrap_or((rest, "00"));
    let (hours, minutes) = (number(hours, 2..=2)?, number(minutes, 2..=2)?);
    (hours < 16 && minutes < 60).then(|| sign * i64::from(hours * 60 + minutes))
}

/// That many digits as a number.
fn number(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && length.contains(&digits.len())).then(|| digits.parse().ok())?
}
