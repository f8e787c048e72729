//! What an occurrence is called: the same on the server and on every device, so that the two can talk
//! of one that the other has not heard of yet.

use super::clock::LocalMinute;
use crate::id::RunId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of an occurrence within its task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum OccurrenceId {
    /// A time that the schedule's rule gave, by the clock on the wall: devices in different zones
    /// have the same name for what each of them starts at six in the evening. Rules that count
    /// elapsed time name what the clock would show if it was never changed. Written
    /// `2026-10-25T02:30`; where a time that comes twice counts twice, the second one is
    /// `2026-10-25T02:30/2`.
    Time {
        /// The time.
        local: LocalMinute,
        /// Whether it is the second one.
        second: bool,
    },
    /// The saving of a schedule: `saved/3`.
    Saved {
        /// The revision of the task that brought the schedule.
        revision: u32,
    },
    /// A start of the application or the agent on a device, or by the device's user:
    /// `application-start/2026-10-25/1`. So the first starts of a morning are one run, however many
    /// devices there are.
    Start {
        /// Of what.
        of: Starting,
        /// The day, by the schedule's clock.
        day: Date,
        /// Counted up from 1 on each device and day.
        number: u32,
    },
    /// What the server wrote into its log: `event/1234`.
    Event {
        /// The event's number.
        event: i64,
    },
    /// The end of another task's run, on one device after the other: `after/55`.
    After {
        /// The other task's run.
        run: RunId,
    },
}

/// What starts on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Starting {
    /// The task's application.
    Application,
    /// The agent.
    Agent,
    /// The task itself, by the device's user.
    User,
}

impl Starting {
    const ALL: [Self; 3] = [Self::Application, Self::Agent, Self::User];

    fn word(self) -> &'static str {
        match self {
            Self::Application => "application-start",
            Self::Agent => "agent-start",
            Self::User => "user-start",
        }
    }
}

impl OccurrenceId {
    /// The first of two that have the same time by the clock on the wall.
    #[must_use]
    pub fn without_mark(self) -> Self {
        match self {
            Self::Time { local, .. } => Self::Time {
                local,
                second: false,
            },
            other => other,
        }
    }
}

impl fmt::Display for OccurrenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { local, second } => {
                let mark = if *second { "/2" } else { "" };
                write!(f, "{local}{mark}")
            }
            Self::Saved { revision } => write!(f, "saved/{revision}"),
            Self::Start { of, day, number } => write!(f, "{}/{day}/{number}", of.word()),
            Self::Event { event } => write!(f, "event/{event}"),
            Self::After { run } => write!(f, "after/{run}"),
        }
    }
}

impl From<OccurrenceId> for String {
    fn from(id: OccurrenceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for OccurrenceId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let id = read(&text).unwrap_or_else(|| time(&text))?;
        // One occurrence has one name: "saved/03" is none.
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(format!("{text:?} is no name of an occurrence, {id} is"))
        }
    }
}

fn time(text: &str) -> Result<OccurrenceId, String> {
    let (local, second) = match text.strip_suffix("/2") {
        Some(local) => (local, true),
        None => (text, false),
    };
    let local = LocalMinute::try_from(local.to_owned())?;
    Ok(OccurrenceId::Time { local, second })
}

/// Reads a name that begins with a word; none if it begins with none that is known.
fn read(text: &str) -> Option<Result<OccurrenceId, String>> {
    let (word, rest) = text.split_once('/')?;
    let read = match word {
        "saved" => rest
            .parse()
            .ok()
            .map(|revision| OccurrenceId::Saved { revision }),
        "event" => rest.parse().ok().map(|event| OccurrenceId::Event { event }),
        "after" => rest.parse().ok().map(|run| OccurrenceId::After { run }),
        _ => {
            let of = Starting::ALL.into_iter().find(|of| of.word() == word)?;
            start(of, rest)
        }
    };
    Some(read.ok_or_else(|| format!("{text:?} is no name of an occurrence")))
}

fn start(of: Starting, rest: &str) -> Option<OccurrenceId> {
    let (day, number) = rest.split_once('/')?;
    Some(OccurrenceId::Start {
        of,
        day: day.parse().ok()?,
        number: number.parse().ok().filter(|number| *number > 0)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_what_they_write() {
        for text in [
            "2026-10-25T02:30",
            "2026-10-25T02:30/2",
            "saved/3",
            "application-start/2026-10-25/1",
            "agent-start/2026-10-25/12",
            "event/1234",
            "after/55",
        ] {
            let id = OccurrenceId::try_from(text.to_owned()).unwrap();
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "2026-10-25",
            "2026-10-25T02:30/3",
            "2026-10-25T02:30/2/2",
            "saved/",
            "saved/03",
            "saved/-1",
            "event/1.5",
            "agent-start/2026-10-25",
            "agent-start/2026-10-25/0",
            "agent-start/2026-13-25/1",
            "agent-start/2026-10-25T00:00/1",
            "run/5",
        ] {
            assert!(OccurrenceId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
