//! The messages of the link, one JSON text each.

use crate::order::Envelope;
use jiff::Timestamp;
use muster_domain::delivery::Cause;
use muster_domain::device::{Facts, InstalledApplication};
use muster_domain::event::Severity;
use muster_domain::report::Report;
use muster_domain::schedule::OccurrenceId;
use muster_domain::user::UserEdit;
use muster_domain::{DeviceId, Digest, RunId, TaskId};
use serde::{Deserialize, Serialize};

/// From an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromAgent {
    /// The first message, and only the first.
    Hello(Hello),
    /// The connectors' view changed. All applications, not only those that changed.
    Applications {
        /// One for each connector.
        applications: Vec<InstalledApplication>,
    },
    /// The body of a command is wanted.
    NeedCommand {
        /// The command's name.
        hash: Digest,
    },
    /// The secrets of a delivery that is about to begin are wanted. The answer is sealed to the key,
    /// which is made for this one question.
    NeedSecrets {
        /// The run.
        run: RunId,
        /// A [`crate::secret::Recipient`]'s key.
        key: String,
    },
    /// News to be kept. The server acknowledges them once they are durable; until then the agent
    /// keeps them and sends them again after each `welcome`. In the order of their numbers.
    News {
        /// At least one.
        news: Vec<NumberedNews>,
    },
    /// How far a running delivery is. Not kept, not acknowledged, at most one a second each.
    Progress {
        /// The run.
        run: RunId,
        /// 0 to 100, if the command tells.
        percent: Option<u8>,
        /// What it is at, at most 200 characters.
        message: Option<String>,
    },
}

/// Who an agent is, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hello {
    /// The agent's [`crate::VERSION`].
    pub protocol: u32,
    /// Its device; the certificate must say the same.
    pub device: DeviceId,
    /// Names the agent's local store. Another one means that the old one was lost, and that the
    /// numbers of news begin again.
    pub store: String,
    /// The greatest order sequence that it has seen.
    pub last_order: u64,
    /// By which a second agent with the same identity is known; none from agents that are older than
    /// this.
    #[serde(default)]
    pub lineage: Option<Lineage>,
    /// What the device is.
    pub facts: Facts,
    /// One for each connector.
    pub applications: Vec<InstalledApplication>,
}

/// Marks of an agent's store. A store takes a new one with each link and keeps it from before the hello
/// on, so of two copies of a store one will show what the server does not expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Lineage {
    /// The mark that the store took with its last link that was welcomed.
    pub last: Option<String>,
    /// The mark that it takes with this one. The same again until a link is welcomed.
    pub next: String,
}

/// A piece of news with its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumberedNews {
    /// Counted up by the agent's store; never given twice.
    pub sequence: u64,
    /// When, by the device's clock.
    pub at: Timestamp,
    /// What.
    pub news: News,
}

/// What an agent has to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "kebab-case")]
pub enum News {
    /// An occurrence of a task that the device starts by itself is due. From here on it is called by
    /// the number that the device gives it, which is below 0, in news and in orders. The first news
    /// of it.
    Occurred {
        /// The device's own number for it.
        run: RunId,
        /// The task.
        task: TaskId,
        /// Which of its occurrences.
        occurrence: OccurrenceId,
        /// The task's revision, as the device had it.
        revision: u32,
        /// The command, as the device had it.
        command: Digest,
        /// The revision of the plug-in that made the command.
        plugin: Digest,
    },
    /// It starts later, by its random delay or by the schedule.
    Scheduled {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
    /// It does not start any more. The last news of it.
    Missed {
        /// The run.
        run: RunId,
        /// Why.
        cause: Cause,
    },
    /// A delivery waits for something.
    Waiting {
        /// The run.
        run: RunId,
        /// For what.
        cause: Cause,
    },
    /// A delivery began, or goes on after a pause.
    Started {
        /// The run.
        run: RunId,
        /// Counted up from 1; more than one when the agent itself was ended in the middle.
        attempt: u32,
    },
    /// A delivery stands still.
    Paused {
        /// The run.
        run: RunId,
    },
    /// A delivery is over. The last news of it.
    Ended {
        /// The run.
        run: RunId,
        /// How.
        end: End,
        /// What came of its steps; empty if it never began.
        report: Report,
    },
    /// The device's user asks for something. The server answers with [`FromServer::Edited`].
    Asked {
        /// What for.
        asked: Box<UserEdit>,
    },
    /// Something happened on the device that is not a state of a delivery, such as a refused order.
    Happened {
        /// Noun and verb: `order.refused`, `connector.invalid`.
        kind: String,
        /// How much it weighs.
        severity: Severity,
        /// One sentence.
        text: String,
        /// The run, if it is about one.
        run: Option<RunId>,
    },
}

/// How a delivery ended on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case")]
pub enum End {
    /// Its command came to its end, well or not: the report says it.
    Completed,
    /// The device ended it at its time limit.
    TimedOut {
        /// Seconds.
        seconds: u32,
    },
    /// It was stopped.
    Stopped {
        /// By whom or what.
        cause: Cause,
    },
    /// The device will not do it: another program than the connector names, an order that is no
    /// longer valid, a command that cannot be read.
    Refused {
        /// Why, in a sentence.
        reason: String,
    },
}

/// From the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromServer {
    /// The answer to `hello`.
    Welcome(Welcome),
    /// What is wanted of a delivery: an [`crate::order::Order`].
    Order(Envelope),
    /// A task that the device starts by itself: an [`crate::assignment::Assignment`].
    Assign(Envelope),
    /// When tasks may start on the device: an [`crate::assignment::DeviceWindows`].
    Windows(Envelope),
    /// What the device's user may do: a [`crate::user::UserRights`].
    Rights(Envelope),
    /// What became of something that the device's user asked for: a [`crate::user::Edited`].
    Edited(Envelope),
    /// The body of a command.
    Command {
        /// Its name: the digest of the body.
        hash: Digest,
        /// JSON text of a command.
        body: String,
    },
    /// Other devices in the device's networks are to be woken.
    Wake {
        /// By these interfaces: [`muster_domain::wake::WakeAddress`]es as texts. Those in other networks
        /// are passed over.
        addresses: Vec<String>,
        /// The UDP port.
        port: u16,
    },
    /// The answer to `need-secrets`: a [`crate::secret::DeviceSecrets`].
    Secrets(Envelope),
    /// The vault changed: what was asked for in vain may be had now.
    SecretsChanged,
    /// News up to this number, included, are durable.
    Acknowledge {
        /// The number.
        up_to: u64,
    },
    /// The server will not have this link, and closes it.
    Refuse {
        /// Stable: `device-mismatch`, `device-removed`, `certificate-replaced`, `device-cloned`,
        /// `protocol-unsupported`, `replaced`, `message-invalid`.
        code: String,
        /// A sentence.
        text: String,
        /// Seconds after which to come back; none: do not come back before the agent is restarted.
        retry_after: Option<u32>,
    },
}

/// The server knows the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Welcome {
    /// The version that both sides speak from here on.
    pub protocol: u32,
    /// The server's clock.
    pub now: Timestamp,
    /// News up to this number are durable already. A number that the agent never gave says that its
    /// store is an older one than the server knows: it takes another name.
    pub acknowledged: u64,
    /// Seconds between pings of the agent; the server hangs up after three without one.
    pub heartbeat: u32,
    /// After a lost link the agent comes back at a random moment within so many seconds.
    pub reconnect_within: u32,
}

impl News {
    /// Puts another number in the place of that of the run that it is about.
    pub fn set_run(&mut self, to: RunId) {
        match self {
            Self::Occurred { run, .. }
            | Self::Scheduled { run, .. }
            | Self::Missed { run, .. }
            | Self::Waiting { run, .. }
            | Self::Started { run, .. }
            | Self::Paused { run }
            | Self::Ended { run, .. } => *run = to,
            Self::Happened { run, .. } => *run = Some(to),
            Self::Asked { .. } => {}
        }
    }

    /// The run that it is about.
    pub fn run(&self) -> Option<RunId> {
        match self {
            Self::Occurred { run, .. }
            | Self::Scheduled { run, .. }
            | Self::Missed { run, .. }
            | Self::Waiting { run, .. }
            | Self::Started { run, .. }
            | Self::Paused { run }
            | Self::Ended { run, .. } => Some(*run),
            Self::Happened { run, .. } => *run,
            Self::Asked { .. } => None,
        }
    }
}
