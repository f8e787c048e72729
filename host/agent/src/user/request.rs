//! What the command line asks the agent, and what it hears: one JSON text each.

use muster_domain::user::NewLocalTask;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the device's user wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// A task that is new.
    Create {
        /// The task.
        task: NewLocalTask,
    },
    /// Other values. What is none stays.
    Change {
        /// Number or name.
        task: String,
        /// Another name.
        name: Option<String>,
        /// Other settings, whole.
        settings: Option<Value>,
        /// Another schedule; null for none.
        #[serde(default, with = "twice")]
        schedule: Option<Option<Value>>,
        /// Another time limit in seconds.
        time_limit: Option<u32>,
    },
    /// No such task any more.
    Delete {
        /// Number or name.
        task: String,
    },
    /// Start it now.
    Start {
        /// Number or name.
        task: String,
    },
    /// Stop what is under way of it.
    Stop {
        /// Number or name.
        task: String,
    },
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Done {
    /// A sentence or two.
    pub text: String,
    /// The edit that waits for the server, if it needs one.
    pub edit: Option<String>,
    /// The runs that it is about.
    pub runs: Vec<i64>,
}

/// The answer over the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done(Done),
    /// It was not, and why.
    No(String),
}

/// Tells a value that is null from one that is left out.
mod twice {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    #[expect(
        clippy::ref_option,
        clippy::option_option,
        reason = "the shape that serde asks for"
    )]
    pub(super) fn serialize<S: Serializer>(
        value: &Option<Option<Value>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => None::<[Value; 1]>.serialize(to),
            Some(value) => Some([value]).serialize(to),
        }
    }

    #[expect(clippy::option_option, reason = "left out, null, or there")]
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Option<Value>>, D::Error> {
        let value = Option::<[Option<Value>; 1]>::deserialize(from)?;
        Ok(value.map(|[value]| value))
    }
}
