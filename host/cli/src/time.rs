//! Times and lengths of time, as people write and read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Reads a length of time: `90`, `90s`, `15m`, `2h`, `1h30m`, `1d`, `2w`. A number alone is seconds.
/// Answers whole seconds, at least 1.
pub(crate) fn parse_seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is no length of time; write 90s, 15m, 2h, 1h30m or 1d");
    let text = text.trim();
    let too_long = || format!("{text:?} is longer than 136 years");
    if text.is_empty() {
        return Err(wrong());
    }
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let (mut total, mut rest): (u32, &str) = if plain {
        (text.parse().map_err(|_| too_long())?, "")
    } else {
        (0, text)
    };
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let unit = match unit {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let more = number
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds));
        total = more.ok_or_else(too_long)?;
        rest = after.trim_start();
    }
    if total == 0 {
        return Err(format!("{text:?} is no time at all; the least is 1s"));
    }
    Ok(total)
}

/// Writes a length of time with its two greatest units: `2h`, `1h 30m`, `45s`.
pub(crate) fn seconds(total: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = total;
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.into_iter().take(2).collect::<Vec<_>>().join(" ")
    }
}

/// Writes times for a reader in a place, at a moment.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
}

impl Clock {
    /// The machine's own zone, UTC where it has none, and clock.
    pub(crate) fn system() -> Self {
        Self {
            zone: TimeZone::try_system().unwrap_or(TimeZone::UTC),
            now: Timestamp::now(),
        }
    }

    /// As short as it can be: the time alone for today, the day and the time otherwise.
    pub(crate) fn short(&self, at: Timestamp) -> String {
        let at = at.to_zoned_datetime(self.zone.clone());
        if at.date() == self.now.to_zoned_datetime(self.zone.clone()).date() {
            at.strftime("%H:%M:%S").to_string()
        } else {
            at.strftime("%Y-%m-%d %H:%M").to_string()
        }
    }

    /// In full, with the zone.
    pub(crate) fn long(&self, at: Timestamp) -> String {
        at.to_zoned_datetime(self.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read() {
        let read = |text| parse_seconds(text).unwrap();
        assert_eq!(read("90"), 90);
        assert_eq!(read("90s"), 90);
        assert_eq!(read("15m"), 900);
        assert_eq!(read("2h"), 7_200);
        assert_eq!(read("1h30m"), 5_400);
        assert_eq!(read("1h 30m"), 5_400);
        assert_eq!(read("2 h").to_string(), "7200");
        assert_eq!(read("1d"), 86_400);
        assert_eq!(read("2weeks"), 1_209_600);
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for bad in [
            "",
            "h",
            "-1h",
            "1.5h",
            "2y",
            "1h30",
            "0",
            "0s",
            "99999999999",
            "5000000000s",
            "8000w",
        ] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lengths_of_time_are_written_short() {
        assert_eq!(seconds(0), "0s");
        assert_eq!(seconds(45), "45s");
        assert_eq!(seconds(7_200), "2h");
        assert_eq!(seconds(5_400), "1h 30m");
        assert_eq!(seconds(90_061), "1d 1h");
    }

    #[test]
    fn today_needs_no_date() {
        let clock = Clock {
            zone: TimeZone::UTC,
            now: "2026-11-24T14:00:00Z".parse().unwrap(),
        };
        assert_eq!(
            clock.short("2026-11-24T09:05:07Z".parse().unwrap()),
            "09:05:07"
        );
        assert_eq!(
            clock.short("2026-11-23T23:59:59Z".parse().unwrap()),
            "2026-11-23 23:59"
        );
        assert_eq!(
            clock.long("2026-11-23T23:59:59Z".parse().unwrap()),
            "2026-11-23 23:59:59 UTC"
        );
    }
}
