//! The messages of the link as texts: read within bounds, because any agent may be hostile.

use axum::extract::ws::{Message, Utf8Bytes};
use muster_agent_protocol::message::{FromAgent, FromServer, Hello};
use muster_domain::device::{Facts, InstalledApplication};

/// The longest text of a message that is not news.
const MOST_TEXT: usize = 256 * 1024;

/// Applications on one device.
const MOST_APPLICATIONS: usize = 500;

/// Facts of one device.
const MOST_FACTS: usize = 200;

/// Bytes of one name or value.
const MOST_VALUE: usize = 1000;

/// Pieces of news in one message.
const MOST_NEWS: usize = 10_000;

/// A message that is not taken, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

/// Reads a message; none for those that WebSocket itself answers.
pub(crate) fn read(message: &Message) -> Result<Option<FromAgent>, Unreadable> {
    match message {
        Message::Text(text) => parse(text).map(Some),
        Message::Binary(_) => Err(unreadable("a message is a JSON text, not binary")),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
    }
}

fn parse(text: &str) -> Result<FromAgent, Unreadable> {
    let message = serde_json::from_str(text)
        .map_err(|error| unreadable(&format!("a message cannot be read: {error}")))?;
    let bounded = match &message {
        FromAgent::News { news } if news.is_empty() || news.len() > MOST_NEWS => false,
        FromAgent::News { .. } => return Ok(message),
        FromAgent::Hello(hello) => hello_is_bounded(hello),
        FromAgent::Applications { applications } => are_bounded(applications),
        FromAgent::NeedSecrets { key, .. } => key.len() <= MOST_VALUE,
        FromAgent::NeedCommand { .. } | FromAgent::Progress { .. } => true,
    };
    if bounded && text.len() <= MOST_TEXT {
        Ok(message)
    } else {
        Err(unreadable("a message holds more than it may"))
    }
}

fn hello_is_bounded(hello: &Hello) -> bool {
    hello.store.len() <= MOST_VALUE
        && facts_are_bounded(&hello.facts)
        && are_bounded(&hello.applications)
}

fn facts_are_bounded(facts: &Facts) -> bool {
    let Facts {
        platform,
        architecture,
        agent_version,
        more,
    } = facts;
    let named = [platform, architecture, agent_version];
    more.len() <= MOST_FACTS
        && named
            .into_iter()
            .chain(more.keys())
            .chain(more.values())
            .all(|text| text.len() <= MOST_VALUE)
}

fn are_bounded(applications: &[InstalledApplication]) -> bool {
    let version = |installed: &InstalledApplication| {
        installed
            .version
            .as_ref()
            .is_none_or(|version| version.len() <= MOST_VALUE)
    };
    applications.len() <= MOST_APPLICATIONS && applications.iter().all(version)
}

fn unreadable(text: &str) -> Unreadable {
    Unreadable(text.to_owned())
}

/// Writes a message.
pub(crate) fn write(message: &FromServer) -> Utf8Bytes {
    serde_json::json!(message).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts that are no message, each in its own way.
    fn texts() -> Vec<String> {
        let long = "x".repeat(300_000);
        vec![
            String::new(),
            "[".repeat(100_000),
            r#"{"type":"hello"}"#.into(),
            r#"{"type":"nonsense"}"#.into(),
            r#"{"type":"news","news":[]}"#.into(),
            r#"{"type":"need-command","hash":"sha256:00"}"#.into(),
            r#"{"type":"progress","run":1,"percent":256,"message":null}"#.into(),
            format!(r#"{{"type":"progress","run":1,"percent":1,"message":"{long}"}}"#),
            r#"{"type":"applications","applications":[{"application":"a b","state":"running","version":null}]}"#.into(),
        ]
    }

    #[test]
    fn hostile_texts_are_not_taken() {
        for text in texts() {
            let shown: String = text.chars().take(80).collect();
            assert!(read(&Message::Text(text.into())).is_err(), "{shown}");
        }
        assert!(read(&Message::Binary(vec![1, 2].into())).is_err());
        assert_eq!(read(&Message::Ping(vec![].into())), Ok(None));
    }

    #[test]
    fn a_message_reads() {
        let text = r#"{"type":"progress","run":3,"percent":50,"message":"half","later":1}"#;
        let message = read(&Message::Text(text.into())).unwrap().unwrap();
        assert!(matches!(
            message,
            FromAgent::Progress {
                percent: Some(50),
                ..
            }
        ));
    }
}
