//! The event log, as administrators read it.

use crate::place::device_find;
use crate::{Administrator, App, AppError};
use muster_domain::ApplicationId;
use muster_domain::event::{Event, NewEvent, Severity, Subject};
use muster_domain::text::is_steering;
pub use muster_storage::event::EventFilter;
use muster_storage::event::{event_insert, event_list};

/// The kind of the event that says that there are new updates, on which tasks may start.
pub const REPOSITORY_UPDATED: &str = "repository.updated";

/// What the kinds of all other events from outside begin with, so that none is taken for the server's.
const EXTERNAL: &str = "external.";

/// Bytes of a kind.
const MOST_KIND: usize = 100;

/// Characters of a text.
const MOST_TEXT: usize = 1000;

/// Bytes of the fields.
const MOST_FIELDS: usize = 16 * 1024;

/// What another system tells.
#[derive(Debug, Clone)]
pub struct ToldEvent {
    /// Its kind: `repository.updated`, or one that begins with `external.`.
    pub kind: String,
    /// How much it weighs.
    pub severity: Severity,
    /// One sentence.
    pub text: String,
    /// The application that it is about.
    pub application: Option<ApplicationId>,
    /// The device that it is about, by number or name.
    pub device: Option<String>,
    /// More: an object.
    pub fields: serde_json::Value,
}

impl App {
    /// At most `limit` events: oldest first when the filter says `after`, newest first otherwise.
    pub async fn event_list(
        &self,
        _who: &Administrator,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Vec<Event>, AppError> {
        Ok(event_list(&mut *self.0.storage.read().await?, filter, limit).await?)
    }

    /// Writes what another system tells into the log.
    pub async fn event_post(
        &self,
        who: &Administrator,
        told: ToldEvent,
    ) -> Result<Event, AppError> {
        check(&told)?;
        let actor = who.actor();
        let event = self
            .logged(move |connection| {
                Box::pin(async move {
                    let device = match &told.device {
                        Some(reference) => Some(device_find(connection, reference).await?.id),
                        None => None,
                    };
                    let subject = Subject {
                        application: told.application,
                        device,
                        ..Subject::default()
                    };
                    let event = NewEvent::new(&told.kind, told.severity, actor, &told.text);
                    let event = event.about(subject).with(told.fields);
                    event_insert(connection, muster_clock::now(), &[event]).await?;
                    // Nothing else is written within this transaction: the newest is this one.
                    let newest = EventFilter::default();
                    let newest = event_list(connection, &newest, 1).await?;
                    let lost = || AppError::not_found("event", &told.kind);
                    newest.into_iter().next().ok_or_else(lost)
                })
            })
            .await?;
        Ok(event)
    }

    /// Writes an event that stands beside no row, such as a refusal.
    pub(crate) async fn event_write(&self, event: NewEvent) -> Result<(), AppError> {
        self.0
            .storage
            .write::<_, AppError, _>(move |connection| {
                Box::pin(async move {
                    Ok(event_insert(connection, muster_clock::now(), &[event]).await?)
                })
            })
            .await?;
        self.0.watch.log_grew();
        Ok(())
    }
}

fn check(told: &ToldEvent) -> Result<(), AppError> {
    let invalid = |code, text: String| Err(AppError::Invalid { code, text });
    let kind = &told.kind;
    let word = |word: &str| {
        let first = word
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        first && word.bytes().all(rest)
    };
    let external = kind.strip_prefix(EXTERNAL);
    let external = external.is_some_and(|rest| rest.split('.').all(word));
    if kind != REPOSITORY_UPDATED && !external || kind.len() > MOST_KIND {
        let shown: String = kind.chars().take(MOST_KIND).collect();
        let text = format!(
            "{shown:?} cannot be told from outside: a kind is {REPOSITORY_UPDATED}, or {EXTERNAL} and \
             words of small letters, digits and hyphens, such as external.mirror.synchronised"
        );
        return invalid("event-kind", text);
    }
    let length = told.text.chars().count();
    if length == 0 || length > MOST_TEXT || told.text.chars().any(is_steering) {
        let text = format!(
            "the text of an event has 1 to {MOST_TEXT} characters, none of which steers a terminal"
        );
        return invalid("event-text", text);
    }
    if !told.fields.is_object() || told.fields.to_string().len() > MOST_FIELDS {
        let text = "the fields of an event are an object of at most 16 KiB".to_owned();
        return invalid("event-fields", text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: &str) -> ToldEvent {
        ToldEvent {
            kind: kind.into(),
            severity: Severity::Info,
            text: "The mirror has new signatures.".into(),
            application: None,
            device: None,
            fields: serde_json::json!({}),
        }
    }

    #[test]
    fn nobody_tells_from_outside_what_the_server_tells() {
        for kind in ["repository.updated", "external.mirror", "external.a-1.b"] {
            assert!(check(&told(kind)).is_ok(), "{kind}");
        }
        let long = format!("external.{}", "a".repeat(100));
        for kind in [
            "",
            "task.created",
            "outbreak.began",
            "external",
            "external.",
            "external.A",
            "external.a..b",
            "external.1",
            "xexternal.a",
            &long,
        ] {
            assert!(check(&told(kind)).is_err(), "{kind}");
        }
    }

    #[test]
    fn texts_and_fields_are_bounded() {
        let mut wrong = told("external.a");
        wrong.text = "\u{1b}[2J".into();
        assert!(check(&wrong).is_err());
        wrong.text = String::new();
        assert!(check(&wrong).is_err());
        let mut wrong = told("external.a");
        wrong.fields = serde_json::json!(["no object"]);
        assert!(check(&wrong).is_err());
        wrong.fields = serde_json::json!({"a": "b".repeat(20_000)});
        assert!(check(&wrong).is_err());
    }
}
