//! Events: what happened, when, by whom. Every row that changes has one, in the same transaction.

use crate::id::{ApplicationId, DeviceId, EventId, GroupId, RunId, TaskId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the log.
    pub id: EventId,
    /// When it was written; for what happened on a device, see `happened_at`.
    pub at: Timestamp,
    /// What it says.
    pub event: NewEvent,
}

/// An event to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Noun and verb: `task.created`, `run.started`, `delivery.sent`; for an application's own
    /// event, `application.` and its event type: `application.threat-detected`.
    pub kind: String,
    /// How much it weighs.
    pub severity: Severity,
    /// Who did it.
    pub actor: Actor,
    /// One sentence for people.
    pub text: String,
    /// What it is about, as far as there is one.
    pub subject: Subject,
    /// When it happened on a device, by the device's clock.
    pub happened_at: Option<Timestamp>,
    /// More, for programs: an object.
    pub fields: serde_json::Value,
}

impl NewEvent {
    /// An event without fields. Its text may quote anybody, so what steers in it is taken out.
    pub fn new(kind: &str, severity: Severity, actor: Actor, text: impl AsRef<str>) -> Self {
        Self {
            kind: kind.to_owned(),
            severity,
            actor,
            text: crate::text::plain(text.as_ref()).into_owned(),
            subject: Subject::default(),
            happened_at: None,
            fields: serde_json::Value::Object(serde_json::Map::new()),
        }
    }

    /// The same about a subject.
    #[must_use]
    pub fn about(mut self, subject: Subject) -> Self {
        self.subject = subject;
        self
    }

    /// The same with fields, which are an object.
    #[must_use]
    pub fn with(mut self, fields: serde_json::Value) -> Self {
        self.fields = fields;
        self
    }
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The application.
    pub application: Option<ApplicationId>,
    /// The device.
    pub device: Option<DeviceId>,
    /// The group.
    pub group: Option<GroupId>,
    /// The task.
    pub task: Option<TaskId>,
    /// The run.
    pub run: Option<RunId>,
}

/// How much an event weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Somebody should look when there is time.
    Warning,
    /// Somebody should look now.
    Critical,
}

impl Severity {
    /// The word that rows and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who did something. Written `server`, `administrator:alice`, `device:7`, `device-user:7:bob`,
/// `plugin:net.clamav.clamav`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Actor {
    /// The server itself.
    Server,
    /// A person, by name.
    Administrator(String),
    /// A device's agent.
    Device(DeviceId),
    /// A device's user, by the name on the device.
    DeviceUser(DeviceId, String),
    /// An application's plug-in.
    Plugin(ApplicationId),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server => f.write_str("server"),
            Self::Administrator(name) => write!(f, "administrator:{name}"),
            Self::Device(id) => write!(f, "device:{id}"),
            Self::DeviceUser(id, name) => write!(f, "device-user:{id}:{name}"),
            Self::Plugin(id) => write!(f, "plugin:{id}"),
        }
    }
}

impl From<Actor> for String {
    fn from(actor: Actor) -> String {
        actor.to_string()
    }
}

impl TryFrom<String> for Actor {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unknown = || format!("{text:?} names no actor");
        match text.split_once(':') {
            None if text == "server" => Ok(Self::Server),
            Some(("administrator", name)) => Ok(Self::Administrator(name.to_owned())),
            Some(("device", id)) => id.parse().map(Self::Device).map_err(|_| unknown()),
            Some(("device-user", of)) => {
                let (id, name) = of.split_once(':').ok_or_else(unknown)?;
                let id = id.parse().map_err(|_| unknown())?;
                Ok(Self::DeviceUser(id, name.to_owned()))
            }
            Some(("plugin", id)) => id.parse().map(Self::Plugin).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}
