//! Zones, and what happens on the two days of the year on which clocks are changed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::LazyLock;

// The one that comes with the program, so that server and agent give the same answer, whatever the
// device's own system knows of zones, and also where it knows none.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// By which clock a schedule's times are meant. In JSON `device`, `utc`, or a zone's name such as
/// `Europe/Berlin`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Zone {
    /// Each device's own.
    #[default]
    Device,
    /// Coordinated Universal Time.
    Utc,
    /// That of a place, by its name in the zone database.
    Named(String),
}

impl Zone {
    /// The rules of the zone, given those of the device.
    pub fn rules(&self, device: &TimeZone) -> Result<TimeZone, UnknownZone> {
        match self {
            Self::Device => Ok(device.clone()),
            Self::Utc => Ok(TimeZone::UTC),
            Self::Named(name) => Self::named(name),
        }
    }

    /// The rules of a zone by its name, in the database that comes with the program.
    pub fn named(name: &str) -> Result<TimeZone, UnknownZone> {
        ZONES.get(name).map_err(|_| UnknownZone {
            name: name.chars().take(100).collect(),
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Device => "device",
            Self::Utc => "utc",
            Self::Named(name) => name,
        })
    }
}

impl From<String> for Zone {
    fn from(text: String) -> Self {
        match text.as_str() {
            "device" => Self::Device,
            "utc" => Self::Utc,
            _ => Self::Named(text),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

/// A name that is no zone's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} is no time zone; write device, utc, or a name from the IANA database such as \
     Europe/Berlin"
)]
pub struct UnknownZone {
    /// The name, cut to 100 characters.
    pub name: String,
}

/// What happens with a time that a day does not have, because clocks are set forward over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkippedTime {
    /// It is the moment at which clocks are set forward. Several such times are one.
    #[default]
    AtTheChange,
    /// It is passed over.
    Skip,
}

/// What happens with a time that a day has twice, because clocks are set back over it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedTime {
    /// The first one counts.
    #[default]
    First,
    /// The second one counts.
    Second,
    /// Both count.
    Both,
}

/// Which one is meant of a time that comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    First,
    Second,
}

/// When a local time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// The time does not exist; `at` is when clocks are set forward over it.
    pub(super) skipped: bool,
    /// The time exists twice.
    pub(super) repeated: bool,
}

/// When a local time is. Later times are never earlier moments. None at the end of time.
pub(super) fn moment(zone: &TimeZone, local: DateTime, pass: Pass) -> Option<Moment> {
    let (at, skipped, repeated) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset.to_timestamp(local).ok()?, false, false),
        AmbiguousOffset::Fold { before, after } => {
            let offset = if pass == Pass::First { before } else { after };
            (offset.to_timestamp(local).ok()?, false, true)
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the clock that holds after the change, the time is still before the change.
            let before_change = after.to_timestamp(local).ok()?;
            let change = zone
                .following(before_change)
                .find(|change| change.offset() == after)?;
            (change.timestamp(), true, false)
        }
    };
    Some(Moment {
        at,
        skipped,
        repeated,
    })
}

/// A local time before or at which all that is later than a moment begins.
pub(super) fn local_floor(zone: &TimeZone, after: Timestamp) -> DateTime {
    let local = zone.to_datetime(after);
    match zone.to_ambiguous_timestamp(local).offset() {
        // In the first pass, the second pass of earlier times is still to come.
        AmbiguousOffset::Fold {
            before,
            after: then,
        } => local
            .checked_sub(then.duration_until(before))
            .unwrap_or(DateTime::MIN),
        _ => local,
    }
}
