//! Server-sent events, as the server's streams write them.

use crate::client::{ClientError, broken};
use reqwest::Response;

/// The longest event that is taken. A run's view has less than a page of text.
const MOST_BYTES: usize = 1024 * 1024;

/// One event of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StreamEvent {
    /// Its name; `message` if the server gave none.
    pub(crate) name: String,
    /// Its data, lines joined.
    pub(crate) data: String,
}

/// A stream that is open.
#[derive(Debug)]
pub(crate) struct EventStream {
    response: Response,
    parser: Parser,
    server: String,
    request: String,
}

impl EventStream {
    pub(crate) fn new(response: Response, server: String, request: String) -> Self {
        Self {
            response,
            parser: Parser::default(),
            server,
            request,
        }
    }

    /// The next event; none when the server ended the stream. Nothing is lost when the future is
    /// dropped before it is ready.
    pub(crate) async fn next(&mut self) -> Result<Option<StreamEvent>, ClientError> {
        loop {
            match self.parser.next() {
                Err(TooLong) => {
                    return Err(ClientError::NotUnderstood {
                        server: self.server.clone(),
                        request: self.request.clone(),
                        why: "an event has more than 1 MiB".into(),
                    });
                }
                Ok(Some(event)) => return Ok(Some(event)),
                Ok(None) => {}
            }
            match self.response.chunk().await {
                Ok(Some(chunk)) => self.parser.push(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(broken(&self.server, &self.request, &error)),
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct TooLong;

/// Bytes in, events out.
#[derive(Debug, Default)]
struct Parser {
    bytes: Vec<u8>,
    event: StreamEvent,
    began: bool,
}

impl Parser {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Result<Option<StreamEvent>, TooLong> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if let Some(event) = self.line(line) {
                return Ok(Some(event));
            }
            if self.event.data.len() > MOST_BYTES {
                return Err(TooLong);
            }
        }
        if self.bytes.len() > MOST_BYTES {
            Err(TooLong)
        } else {
            Ok(None)
        }
    }

    /// Takes a line; an empty one ends an event. Comments keep the link alive and say nothing.
    fn line(&mut self, line: &str) -> Option<StreamEvent> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.began).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.began {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.began = true;
            }
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> Vec<(String, String)> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(chunk.as_bytes());
            while let Some(event) = parser.next().unwrap() {
                events.push((event.name, event.data));
            }
        }
        events
    }

    #[test]
    fn events_come_whole_however_they_are_cut() {
        let text = ": hello\n\nevent: run\nid: 4\ndata: {\"a\":\ndata: 1}\n\nevent:event\r\ndata:x\r\n\r\n";
        let wanted = vec![
            ("run".to_owned(), "{\"a\":\n1}".to_owned()),
            ("event".into(), "x".into()),
        ];
        assert_eq!(events(&[text]), wanted);
        let single: Vec<String> = text.chars().map(String::from).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        assert_eq!(events(&single), wanted);
    }

    #[test]
    fn an_event_without_end_is_not_gathered_for_ever() {
        let mut parser = Parser::default();
        parser.push(&vec![b'x'; MOST_BYTES + 1]);
        assert_eq!(parser.next(), Err(TooLong));
    }
}
