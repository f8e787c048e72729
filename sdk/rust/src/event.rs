//! Events: what a task type raises, each with fields of its own.

use crate::outcome::sentence;
use crate::{Event, EventType, JsonSchema, Severity, schema};
use serde::Serialize;
use std::marker::PhantomData;

/// One of a task type's event types, with the type of its fields. Declare it once, as a constant: what
/// is declared and what is raised cannot differ then.
///
/// ```
/// use muster_sdk::{EventKind, JsonSchema, Severity, serde::Serialize, task_type};
///
/// #[derive(Serialize, JsonSchema)]
/// #[serde(crate = "muster_sdk::serde", rename_all = "kebab-case")]
/// struct Threat<'a> {
///     file: &'a str,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     moved_to: Option<&'a str>,
/// }
///
/// const THREAT: EventKind<Threat> =
///     EventKind::new("threat-detected", "Threat detected", Severity::Critical);
///
/// // In `Task::describe`:
/// let scan = task_type("scan", "Scan", "Looks for threats.").raises(&THREAT);
/// assert!(scan.event_types[0].fields_schema.contains(r#""required":["file"]"#));
///
/// // In `Task::interpret`:
/// let file = String::from("/tmp/eicar");
/// let event = THREAT.event("Found.", &Threat { file: &file, moved_to: None });
/// assert_eq!(event.fields, r#"{"file":"/tmp/eicar"}"#);
/// ```
#[derive(Debug)]
pub struct EventKind<F> {
    id: &'static str,
    title: &'static str,
    severity: Severity,
    fields: PhantomData<fn() -> F>,
}

impl<F> EventKind<F> {
    /// Its id, lower-case with hyphens and stable; its title and severity.
    ///
    /// ```
    /// use muster_sdk::{EventKind, NoFields, Severity};
    ///
    /// const STARTED: EventKind<NoFields> = EventKind::new("started", "Started", Severity::Info);
    /// assert_eq!(STARTED.event("It runs.", &NoFields {}).event_type, "started");
    /// ```
    pub const fn new(id: &'static str, title: &'static str, severity: Severity) -> Self {
        Self {
            id,
            title,
            severity,
            fields: PhantomData,
        }
    }

    /// The same with another severity, where it weighs differently for another task type.
    ///
    /// ```
    /// use muster_sdk::{EventKind, NoFields, Severity, task_type};
    ///
    /// const CHANGED: EventKind<NoFields> =
    ///     EventKind::new("changed", "Changed", Severity::Warning);
    /// let accept = task_type("accept", "Accept", "Accepts changes.")
    ///     .raises(&CHANGED.with_severity(Severity::Info));
    /// assert_eq!(accept.event_types[0].severity, Severity::Info);
    /// ```
    #[must_use]
    pub const fn with_severity(&self, severity: Severity) -> Self {
        Self {
            id: self.id,
            title: self.title,
            severity,
            fields: PhantomData,
        }
    }
}

impl<F: JsonSchema> EventKind<F> {
    pub(crate) fn declared(&self) -> EventType {
        EventType {
            id: self.id.into(),
            title: self.title.into(),
            severity: self.severity,
            fields_schema: schema::text::<F>(),
        }
    }
}

impl<F: Serialize> EventKind<F> {
    /// An event of this kind. The text is cut to the contract's length.
    ///
    /// ```
    /// use muster_sdk::{EventKind, NoFields, Outcome, Severity};
    ///
    /// const STARTED: EventKind<NoFields> = EventKind::new("started", "Started", Severity::Info);
    /// let outcome = Outcome::succeeded("It runs.").with([STARTED.event("It was started.", &NoFields {})]);
    /// assert_eq!(outcome.events.len(), 1);
    /// ```
    pub fn event(&self, text: impl AsRef<str>, fields: &F) -> Event {
        Event::new(self.id, text, fields)
    }
}

/// The fields of an event that has none.
///
/// ```
/// use muster_sdk::{NoFields, schema};
///
/// assert!(schema::text::<NoFields>().ends_with(r#""properties":{},"additionalProperties":false}"#));
/// ```
#[derive(Debug, Clone, Copy, Serialize, muster_sdk::JsonSchema)]
pub struct NoFields {}

impl Event {
    /// An event of an event type that is told apart by its id. `fields` becomes an object: a struct with
    /// named fields, or [`NoFields`]. [`EventKind`] does the same with the fields' type checked.
    ///
    /// ```
    /// use muster_sdk::{Event, NoFields};
    ///
    /// assert_eq!(Event::new("started", "It was started.", &NoFields {}).fields, "{}");
    /// ```
    pub fn new(event_type: &str, text: impl AsRef<str>, fields: &impl Serialize) -> Self {
        Self {
            event_type: event_type.into(),
            text: sentence(text.as_ref()),
            // Only maps with keys that are no texts fail, and types that say so themselves.
            fields: serde_json::to_string(fields).unwrap_or_else(|_| "{}".into()),
        }
    }
}
