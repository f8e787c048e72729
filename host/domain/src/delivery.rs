//! Deliveries: one run for one device.

use crate::Digest;
use crate::id::{DeviceId, RunId};
use crate::schedule::OccurrenceId;
use crate::secret::SecretAbsence;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A delivery, from first contact on. Its id is the pair of run and device.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The run.
    pub run: RunId,
    /// The device.
    pub device: DeviceId,
    /// Where it stands.
    pub state: DeliveryState,
    /// Why it is not further, or why it ended as it did.
    pub cause: Option<Cause>,
    /// What the server wants of it.
    pub wanted: Wanted,
    /// What the last order to the device said; none if none was given yet. Where it is not what is
    /// wanted, another order is due.
    pub ordered: Option<Wanted>,
    /// The sequence number of that order.
    pub sequence: Option<u64>,
    /// The number under which the device knows the run, where it began it by itself.
    pub known_as: Option<RunId>,
    /// The command that it carries out, once it was translated.
    pub command: Option<Digest>,
    /// The revision of the plug-in that translated it, and says what its report means.
    pub plugin: Option<Digest>,
    /// What came of it, in a sentence.
    pub summary: Option<String>,
    /// It takes effect after a restart of the device.
    pub needs_restart: bool,
    /// When it last changed.
    pub changed_at: Timestamp,
}

impl Delivery {
    /// A delivery of which nothing is known yet.
    pub fn blank(run: RunId, device: DeviceId, now: Timestamp) -> Self {
        Self {
            run,
            device,
            state: DeliveryState::Waiting,
            cause: None,
            wanted: Wanted::Run,
            ordered: None,
            sequence: None,
            known_as: None,
            command: None,
            plugin: None,
            summary: None,
            needs_restart: false,
            changed_at: now,
        }
    }
}

/// What the server wants of a delivery. Orders say it, whole, each time; so the last one holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// That it is carried out.
    Run,
    /// That it stands still, whether begun or not.
    Pause,
    /// That it ends now.
    Stop,
}

/// Where a delivery stands. `needs-restart` is a flag beside it, percent a note to `running`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// The device has not been in contact since the run began.
    Pending,
    /// The device has it, for a later time.
    Scheduled,
    /// The device has it, or is there to get it, and something must come true first: see the cause.
    Waiting,
    /// The device is at it.
    Running,
    /// It stands still by an administrator's wish.
    Paused,
    /// It was done.
    Succeeded,
    /// It was done, and somebody should look.
    Warning,
    /// It was not done.
    Failed,
    /// It was ended at its time limit.
    TimedOut,
    /// It was stopped.
    Cancelled,
    /// The application on the device cannot do it.
    NotSupported,
    /// Its time passed while it could not start.
    Missed,
    /// The device fell silent while it was at it. A late answer is still taken.
    Unknown,
}

impl DeliveryState {
    /// All of them, in the order in which a delivery passes them.
    pub const ALL: [Self; 13] = [
        Self::Pending,
        Self::Scheduled,
        Self::Waiting,
        Self::Running,
        Self::Paused,
        Self::Succeeded,
        Self::Warning,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::NotSupported,
        Self::Missed,
        Self::Unknown,
    ];

    /// Whether nothing more is expected. `unknown` is not final: silence is no answer.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Warning
                | Self::Failed
                | Self::TimedOut
                | Self::Cancelled
                | Self::NotSupported
                | Self::Missed
        )
    }

    /// Whether news of `next` may be taken while a delivery is in this state. A final state stays.
    pub fn may_become(self, next: Self) -> bool {
        !self.is_final() && (next != Self::Pending)
    }

    /// The word that rows and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Cancelled => "cancelled",
            Self::NotSupported => "not-supported",
            Self::Missed => "missed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a delivery"))
    }
}

/// Why a delivery is not further, or why it ended as it did. Machine-readable; [`Cause`]'s
/// `Display` is the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Cause {
    /// The order was given to the device, which has not answered yet.
    Sent,
    /// The device has no link to the server.
    Offline {
        /// Since when, if it ever had one.
        since: Option<Timestamp>,
    },
    /// The application is not installed on the device.
    ApplicationNotInstalled,
    /// The application is installed and does not run.
    ApplicationNotRunning,
    /// The application stopped while the task was at it.
    ApplicationStopped,
    /// The device has no connector for the application.
    NoConnector,
    /// Another delivery has the device to itself.
    BlockedByTask {
        /// The run that it belongs to.
        run: RunId,
    },
    /// An administrator paused or stopped it.
    Administrator,
    /// The device's user stopped it.
    DeviceUser,
    /// It is a local task of the device's user, and the policy of the device's group does not allow those.
    UserTasksNotAllowed,
    /// The plug-in cannot put it into this device's terms, and says why.
    NotSupported {
        /// The plug-in's reason.
        reason: String,
    },
    /// It takes something away, and no second administrator has approved it yet.
    ApprovalNeeded,
    /// The application has no loaded plug-in at the moment.
    PluginMissing,
    /// The application's plug-in is being compiled for this version of the server.
    PluginCompiling,
    /// The server has too much to do to ask the application's plug-in; it tries again.
    ServerBusy,
    /// The plug-in failed; the server tries again.
    PluginFault {
        /// What failed.
        reason: String,
    },
    /// The device refused the order.
    Refused {
        /// Why.
        reason: String,
    },
    /// It ran into its time limit.
    TimeLimit {
        /// Seconds.
        seconds: u32,
    },
    /// It starts at its time: by the schedule, or after a random delay.
    StartsAt {
        /// When.
        at: Timestamp,
    },
    /// It is tried again.
    RetryAt {
        /// When.
        at: Timestamp,
        /// Which attempt that will be, counted from 1.
        attempt: u32,
    },
    /// A blackout is open on the device.
    Blackout {
        /// The window's name.
        window: String,
        /// When it closes.
        until: Timestamp,
    },
    /// No maintenance window of the device is open.
    OutsideWindows {
        /// The window that opens next, if any does.
        window: Option<String>,
        /// When that opens.
        opens_at: Option<Timestamp>,
    },
    /// An earlier occurrence of the task still runs on the device.
    EarlierOccurrence {
        /// The earlier one.
        occurrence: OccurrenceId,
    },
    /// A later occurrence of the task took its place.
    LaterOccurrence {
        /// The later one; none where it is known only that there was one.
        occurrence: Option<OccurrenceId>,
    },
    /// Its time passed while the device could not start it, and the task's rule for missed runs does
    /// not make it good.
    TimePassed,
    /// The schedule's time for it was over.
    StopAfter {
        /// Minutes.
        minutes: u32,
    },
    /// The task was changed, moved or removed before it could start on this device.
    NoLongerAssigned,
    /// It came to its own end before the device heard that it was to be stopped.
    DespiteStop,
    /// A secret that it needs cannot be had.
    SecretUnavailable {
        /// Its name.
        secret: String,
        /// Why not.
        reason: SecretAbsence,
    },
}

impl Cause {
    /// The same with a reason of at most 1,000 characters in which nothing steers, as it may come from
    /// a device.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        if let Self::NotSupported { reason }
        | Self::PluginFault { reason }
        | Self::Refused { reason } = &mut self
        {
            let shown = reason.chars().take(1000).collect::<String>();
            *reason = crate::text::plain(&shown).into_owned();
        }
        if let Self::Blackout { window, .. }
        | Self::OutsideWindows {
            window: Some(window),
            ..
        } = &mut self
        {
            let shown = window.chars().take(100).collect::<String>();
            *window = crate::text::plain(&shown).into_owned();
        }
        if let Self::SecretUnavailable { secret, .. } = &mut self {
            let shown = secret.chars().take(100).collect::<String>();
            *secret = crate::text::plain(&shown).into_owned();
        }
        self
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent => f.write_str("sent to the device, which has not answered yet"),
            Self::Offline { since: Some(since) } => write!(f, "device offline since {since:.0}"),
            Self::Offline { since: None } => f.write_str("device was never online"),
            Self::ApplicationNotInstalled => f.write_str("application is not installed"),
            Self::ApplicationNotRunning => f.write_str("application is not running"),
            Self::ApplicationStopped => f.write_str("application stopped"),
            Self::NoConnector => f.write_str("device has no connector for the application"),
            Self::BlockedByTask { run } => write!(f, "run {run} has the device to itself"),
            Self::Administrator => f.write_str("by an administrator"),
            Self::DeviceUser => f.write_str("by the device's user"),
            Self::UserTasksNotAllowed => {
                f.write_str("the policy of the device's group allows no local tasks of its user")
            }
            Self::NotSupported { reason } => write!(f, "not supported: {reason}"),
            Self::ApprovalNeeded => f.write_str("a second administrator must approve it"),
            Self::PluginMissing => f.write_str("the application has no loaded plug-in"),
            Self::PluginCompiling => {
                f.write_str("the application's plug-in is being compiled for this server")
            }
            Self::ServerBusy => {
                f.write_str("the server is too busy to ask the application's plug-in")
            }
            Self::PluginFault { reason } => write!(f, "plug-in fault: {reason}"),
            Self::Refused { reason } => write!(f, "device refused: {reason}"),
            Self::TimeLimit { seconds } => write!(f, "over its time limit of {seconds} s"),
            Self::StartsAt { at } => write!(f, "starts at {at:.0}"),
            Self::RetryAt { at, attempt } => write!(f, "attempt {attempt} is at {at:.0}"),
            Self::Blackout { window, until } => {
                write!(f, "blackout {window:?} is open until {until:.0}")
            }
            Self::OutsideWindows {
                window: Some(window),
                opens_at: Some(opens_at),
            } => write!(f, "maintenance window {window:?} opens at {opens_at:.0}"),
            Self::OutsideWindows { .. } => {
                f.write_str("no maintenance window of the device opens any more")
            }
            Self::EarlierOccurrence { occurrence } => {
                write!(f, "occurrence {occurrence} still runs")
            }
            Self::LaterOccurrence {
                occurrence: Some(occurrence),
            } => write!(f, "occurrence {occurrence} took its place"),
            Self::LaterOccurrence { occurrence: None } => {
                f.write_str("a later occurrence took its place")
            }
            Self::TimePassed => f.write_str("its time passed while it could not start"),
            Self::StopAfter { minutes } => {
                write!(f, "stopped by its schedule after {minutes} minutes")
            }
            Self::NoLongerAssigned => f.write_str("the task no longer stands for this device"),
            Self::DespiteStop => f.write_str("it was over before the device heard of the stop"),
            Self::SecretUnavailable { secret, reason } => match reason {
                SecretAbsence::Offline => write!(
                    f,
                    "secret {secret:?} is to be had from the server alone, and there is no link to it"
                ),
                SecretAbsence::Unknown => {
                    write!(f, "the server's vault has no secret {secret:?}")
                }
                SecretAbsence::Refused => {
                    write!(
                        f,
                        "the server does not give secret {secret:?} for this delivery"
                    )
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_what_it_writes() {
        for state in DeliveryState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_reason_from_outside_is_cut_at_a_character() {
        let reason = |count| Cause::Refused {
            reason: "ä".repeat(count),
        };
        assert_eq!(reason(5000).bounded(), reason(1000));
        assert_eq!(reason(1000).bounded(), reason(1000));
    }

    #[test]
    fn a_final_state_stays_and_silence_is_not_final() {
        for state in DeliveryState::ALL {
            assert!(!DeliveryState::Succeeded.may_become(state));
        }
        assert!(DeliveryState::Unknown.may_become(DeliveryState::Succeeded));
    }
}
