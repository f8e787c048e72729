//! Maintenance windows and blackouts: when tasks may start on a device, and which window says so.
//!
//! Windows are objects of their own, attached to groups and selections; a device has the sum of them.
//! Where it has maintenance windows, tasks start only while one of them is open; while a blackout is
//! open, none starts. The answers are causes and times, so that whoever waits can be told for what.

use super::when::When;
use super::zone::{RepeatedTime, SkippedTime, UnknownZone, Zone};
use super::{Schedule, Timetable};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a window is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowKind {
    /// Tasks start while it is open.
    Maintenance,
    /// No task starts while it is open.
    Blackout,
}

/// A window that opens again and again, or once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Window {
    /// The version of this form: 1.
    #[serde(default = "form")]
    pub version: u32,
    /// Its name, which causes quote.
    pub name: String,
    /// What it is for.
    pub kind: WindowKind,
    /// When it opens: one of the items that name times.
    pub opens: When,
    /// Minutes from each opening to its closing, in elapsed time: 1 to 44,640, which is 31 days.
    pub minutes: u32,
    /// By which clock `opens` is meant.
    #[serde(default)]
    pub zone: Zone,
}

fn form() -> u32 {
    Window::FORM
}

impl Window {
    /// The version of the JSON form that this program writes.
    pub const FORM: u32 = 1;
}

/// The windows of one device, ready to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows(Vec<Opening>);

#[derive(Debug, Clone, PartialEq)]
struct Opening {
    name: String,
    kind: WindowKind,
    table: Timetable,
    length: SignedDuration,
}

/// Why a task may not start now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Hold {
    /// A blackout is open.
    Blackout {
        /// Its name. Of several, the one that closes last.
        window: String,
        /// When that closes.
        until: Timestamp,
    },
    /// No maintenance window is open.
    OutsideWindows {
        /// The one that opens next.
        window: Option<String>,
        /// When that opens; never, if none is named.
        opens_at: Option<Timestamp>,
    },
    /// What is open closes too early for the time that the task wants.
    TooShort {
        /// When no start is possible any more: a maintenance window closes, or a blackout opens.
        closes_at: Timestamp,
    },
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blackout { window, until } => {
                write!(f, "blackout {window:?} is open until {until:.0}")
            }
            Self::OutsideWindows {
                window: Some(window),
                opens_at: Some(opens_at),
            } => write!(f, "maintenance window {window:?} opens at {opens_at:.0}"),
            Self::OutsideWindows { .. } => {
                f.write_str("no maintenance window of this device opens any more")
            }
            Self::TooShort { closes_at } => write!(
                f,
                "what is open closes at {closes_at:.0}, too early for this task"
            ),
        }
    }
}

/// When a task may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance {
    /// The earliest moment.
    pub from: Timestamp,
    /// From this moment on it may not. None if nothing closes within [`Windows::HORIZON`].
    pub until: Option<Timestamp>,
}

impl Windows {
    /// How far ahead answers look.
    pub const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 366 * 2);

    // A blackout that opens every minute for a minute would be followed to the horizon otherwise.
    const MOST_STEPS: usize = 10_000;

    /// The windows of a device with such a clock.
    pub fn new(windows: &[Window], device: &TimeZone) -> Result<Self, UnknownZone> {
        let opening = |window: &Window| {
            let schedule = Schedule {
                zone: window.zone.clone(),
                // A window that opens in the hour that is skipped opens; one in the hour that comes
                // twice opens once.
                skipped_time: SkippedTime::AtTheChange,
                repeated_time: RepeatedTime::First,
                ..Schedule::new(window.opens.clone())
            };
            Ok(Opening {
                name: window.name.clone(),
                kind: window.kind,
                table: Timetable::new(&schedule, device)?,
                length: SignedDuration::from_mins(i64::from(window.minutes)),
            })
        };
        windows
            .iter()
            .map(opening)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Why a task may not start at a moment; nothing if it may.
    pub fn hold(&self, now: Timestamp) -> Option<Hold> {
        let blackouts = self.of(WindowKind::Blackout);
        let open = blackouts.filter_map(|window| Some((window, window.closes_at(now)?)));
        if let Some((window, until)) = open.max_by_key(|(_, until)| *until) {
            return Some(Hold::Blackout {
                window: window.name.clone(),
                until,
            });
        }
        let mut maintenance = self.of(WindowKind::Maintenance).peekable();
        maintenance.peek()?;
        let mut next = None;
        for window in maintenance {
            if window.closes_at(now).is_some() {
                return None;
            }
            if let Some(opens) = window.opens_after(now) {
                let sooner = |(_, other): &(&Opening, Timestamp)| opens < *other;
                if next.as_ref().is_none_or(sooner) {
                    next = Some((window, opens));
                }
            }
        }
        Some(Hold::OutsideWindows {
            window: next.map(|(window, _)| window.name.clone()),
            opens_at: next.map(|(_, opens)| opens),
        })
    }

    /// The same for a task that wants so much time before a window closes, or a blackout opens.
    pub fn hold_for(&self, now: Timestamp, room: SignedDuration) -> Option<Hold> {
        if let Some(hold) = self.hold(now) {
            return Some(hold);
        }
        let closes_at = self.until(now)?;
        (closes_at.duration_since(now) < room).then_some(Hold::TooShort { closes_at })
    }

    /// When a task may start at the earliest, from a moment on, and until when: with so much time left
    /// before a window closes, or a blackout opens. None if not within [`Windows::HORIZON`].
    pub fn earliest(&self, from: Timestamp, room: SignedDuration) -> Option<Chance> {
        let horizon = horizon(from);
        let mut now = from;
        for _ in 0..Self::MOST_STEPS {
            now = match self.hold_for(now, room) {
                None => {
                    let until = self.until(now);
                    return Some(Chance { from: now, until });
                }
                Some(Hold::Blackout { until, .. }) => until,
                Some(Hold::OutsideWindows { opens_at, .. }) => opens_at?,
                Some(Hold::TooShort { closes_at }) => closes_at,
            };
            if now > horizon {
                return None;
            }
        }
        None
    }

    /// The first moment, from one at which a task may start, at which none may. None if there is none
    /// within [`Windows::HORIZON`].
    pub fn until(&self, now: Timestamp) -> Option<Timestamp> {
        let horizon = horizon(now);
        let shut = self
            .of(WindowKind::Blackout)
            .filter_map(|window| window.opens_after(now))
            .min()
            .filter(|opens| *opens <= horizon);
        let mut end = now;
        for _ in 0..Self::MOST_STEPS {
            let open = self.of(WindowKind::Maintenance);
            let closes = open.filter_map(|window| window.closes_at(end));
            match closes.max() {
                // Another one is open when one closes: they are one to whoever waits.
                Some(closes) => end = closes,
                None if end == now => return shut,
                None => return Some(shut.map_or(end, |shut| shut.min(end))),
            }
            if end > horizon || shut.is_some_and(|shut| shut <= end) {
                return shut;
            }
        }
        // So many windows side by side are one without end, as far as anybody can tell.
        shut
    }

    fn of(&self, kind: WindowKind) -> impl Iterator<Item = &Opening> {
        self.0.iter().filter(move |window| window.kind == kind)
    }
}

fn horizon(from: Timestamp) -> Timestamp {
    from.checked_add(Windows::HORIZON).unwrap_or(Timestamp::MAX)
}

impl Opening {
    /// When it closes, if it is open at a moment: from its opening on, until just before its closing.
    fn closes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let after = now.checked_sub(self.length).unwrap_or(Timestamp::MIN);
        let (newest, _) = self.table.newest(after, now, 1);
        newest.last()?.at.checked_add(self.length).ok()
    }

    /// When it opens next.
    fn opens_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.table.after(now).next().map(|next| next.at)
    }
}
