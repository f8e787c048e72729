//! What starts a task: the items of a schedule, in the words of the field.

use super::clock::{LocalMinute, TimeOfDay};
use super::cron::Cron;
use super::occurrence_id::Starting;
use crate::delivery::DeliveryState;
use crate::device::DeviceSet;
use crate::id::{ApplicationId, TaskId};
use serde::{Deserialize, Serialize};

/// What starts a task.
///
/// In JSON a word, or an object with one key: `"manual"`, `{"weekly": {"days": ["friday"], "at":
/// "18:00"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case",
    deny_unknown_fields
)]
pub enum When {
    /// Nothing but a person.
    Manual,
    /// Being saved: at once.
    Immediately,
    /// A time, once.
    Once {
        /// When.
        at: LocalMinute,
    },
    /// Every so many minutes, counted in elapsed time.
    EveryMinutes {
        /// 1 to 1,440.
        #[serde(default = "thirty")]
        minutes: u32,
        /// The first start.
        from: LocalMinute,
    },
    /// Every so many hours, counted in elapsed time.
    EveryHours {
        /// 1 to 8,760.
        #[serde(default = "six")]
        hours: u32,
        /// The first start.
        from: LocalMinute,
    },
    /// Every so many days, at the same time of day.
    EveryDays {
        /// 1 to 3,660.
        #[serde(default = "one")]
        days: u32,
        /// The first start.
        from: LocalMinute,
    },
    /// Every 24 hours of elapsed time, whatever clocks do: an hour later or earlier by the clock
    /// while daylight saving time holds. Kept for tasks that come from elsewhere.
    DailyWithoutDaylightSaving {
        /// The first start.
        from: LocalMinute,
    },
    /// On some weekdays of every so many weeks.
    EveryWeeks {
        /// 1 to 520.
        #[serde(default = "one")]
        weeks: u32,
        /// The weekdays.
        #[serde(default = "monday")]
        days: Vec<Weekday>,
        /// The time of day.
        at: TimeOfDay,
        /// The day before which nothing starts; weeks are counted from its week, Monday to Sunday.
        from: LocalMinute,
    },
    /// On some weekdays of every week: the field's "weekly" with one, "by days of week" with more.
    Weekly {
        /// The weekdays.
        days: Vec<Weekday>,
        /// The time of day.
        at: TimeOfDay,
    },
    /// On some days of every month.
    Monthly {
        /// Days of the month, 1 to 31.
        days: Vec<u32>,
        /// The time of day.
        at: TimeOfDay,
        /// What a month does that lacks one of these days.
        #[serde(default)]
        short_month: ShortMonth,
    },
    /// On days such as the second Tuesday of every month.
    MonthlyByWeekday {
        /// The days.
        on: Vec<NthWeekday>,
        /// The time of day.
        at: TimeOfDay,
    },
    /// Once a year.
    Yearly {
        /// 1 to 12.
        month: u32,
        /// 1 to 31.
        day: u32,
        /// The time of day.
        at: TimeOfDay,
        /// What a year does whose month lacks this day: 29 February.
        #[serde(default)]
        short_month: ShortMonth,
    },
    /// By a cron expression.
    Cron {
        /// Minute, hour, day of month, month, day of week.
        expression: Cron,
    },
    /// The application's start on the device.
    ApplicationStart {
        /// Minutes from the start of the application to that of the task.
        #[serde(default)]
        delay_minutes: u32,
        /// Only the first start of a day, by the schedule's zone.
        #[serde(default)]
        first_of_day: bool,
    },
    /// The agent's start on the device.
    AgentStart {
        /// Minutes from the start of the agent to that of the task.
        #[serde(default)]
        delay_minutes: u32,
        /// Only the first start of a day, by the schedule's zone.
        #[serde(default)]
        first_of_day: bool,
    },
    /// New updates in the server's repository.
    RepositoryUpdated,
    /// A malware outbreak, as the server's thresholds have it.
    Outbreak {
        /// Where the malware is found.
        sources: Vec<OutbreakSource>,
    },
    /// The end of another task's run.
    AfterTask {
        /// The other task.
        task: TaskId,
        /// How it must have ended. Any way, if none is named.
        #[serde(default)]
        outcomes: Vec<DeliveryState>,
    },
    /// The device's coming into a group, or a group below it, or into a selection.
    Joined(DeviceSet),
    /// An event.
    Event {
        /// The event's kind, such as `application.threat-detected`.
        kind: String,
        /// The application that it must be about, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        application: Option<ApplicationId>,
        /// How many events it takes, and how often they may start the task.
        #[serde(default)]
        throttle: super::trigger::Throttle,
    },
}

impl When {
    /// What starts on the device to start the task, if that is what does.
    pub fn starting(&self) -> Option<Starting> {
        match self {
            Self::ApplicationStart { .. } => Some(Starting::Application),
            Self::AgentStart { .. } => Some(Starting::Agent),
            _ => None,
        }
    }

    /// Whether devices begin the task by themselves. Otherwise the server, or a person.
    pub fn is_begun_by_devices(&self) -> bool {
        self.names_times() || self.starting().is_some() || *self == Self::Immediately
    }
}

fn one() -> u32 {
    1
}

fn six() -> u32 {
    6
}

fn thirty() -> u32 {
    30
}

fn monday() -> Vec<Weekday> {
    vec![Weekday::Monday]
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the days")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All of them; a week begins on Monday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// One bit for each, the lowest for Monday.
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(super) fn to_jiff(self) -> jiff::civil::Weekday {
        match self {
            Self::Monday => jiff::civil::Weekday::Monday,
            Self::Tuesday => jiff::civil::Weekday::Tuesday,
            Self::Wednesday => jiff::civil::Weekday::Wednesday,
            Self::Thursday => jiff::civil::Weekday::Thursday,
            Self::Friday => jiff::civil::Weekday::Friday,
            Self::Saturday => jiff::civil::Weekday::Saturday,
            Self::Sunday => jiff::civil::Weekday::Sunday,
        }
    }
}

/// Which of a month's Tuesdays, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the numbers")]
pub enum Nth {
    First,
    Second,
    Third,
    Fourth,
    /// Months without a fifth one are passed over.
    Fifth,
    Last,
}

impl Nth {
    /// Counted from the month's start, or -1 for the last.
    pub(super) fn number(self) -> i8 {
        match self {
            Self::First => 1,
            Self::Second => 2,
            Self::Third => 3,
            Self::Fourth => 4,
            Self::Fifth => 5,
            Self::Last => -1,
        }
    }
}

/// A day such as the second Tuesday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NthWeekday {
    /// Which one.
    pub nth: Nth,
    /// Of which weekday.
    pub day: Weekday,
}

/// What a month does that lacks a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortMonth {
    /// Its last day stands in.
    #[default]
    LastDay,
    /// It is passed over.
    Skip,
}

/// Where malware is found in an outbreak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutbreakSource {
    /// In files, on workstations and servers.
    Files,
    /// In mail.
    Mail,
    /// On the way in: gateways and proxies.
    Perimeter,
}
