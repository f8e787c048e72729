//! `log`: lines for the server's log, the one thing that every plug-in may do.

use crate::fault::Function;
use muster_domain::text::is_steering;
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes of one line; what is beyond is cut.
const LINE: usize = 4 << 10;
/// Bytes in one call; the rest is dropped.
const CALL: usize = 64 << 10;

/// How much a line weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

/// The log of one call.
#[derive(Debug)]
pub(crate) struct CallLog {
    plugin: Arc<str>,
    function: Function,
    left: usize,
    full: bool,
    dropped: usize,
}

impl CallLog {
    /// A log whose lines are marked with the plug-in, `net.clamav.clamav 1.0.0`, and the function.
    pub(crate) fn new(plugin: Arc<str>, function: Function) -> Self {
        Self {
            plugin,
            function,
            left: CALL,
            full: false,
            dropped: 0,
        }
    }

    /// Bytes that were not written.
    pub(crate) fn dropped(&self) -> usize {
        self.dropped
    }

    /// Writes a line, as far as it is within bounds.
    pub(crate) fn write(&mut self, level: Level, text: &str) {
        if self.full {
            self.dropped += text.len();
            return;
        }
        let line = cut(text, LINE);
        self.dropped += text.len() - line.len();
        if line.len() > self.left {
            self.full = true;
            self.dropped += line.len();
            tracing::warn!(plugin = &*self.plugin, function = %self.function, "the plug-in logs more than 64 KiB in one call; the rest is dropped");
            return;
        }
        self.left -= line.len();
        let line = one_line(line);
        let (plugin, function) = (&*self.plugin, self.function);
        match level {
            Level::Debug => tracing::debug!(plugin, %function, "{line}"),
            Level::Info => tracing::info!(plugin, %function, "{line}"),
            Level::Warning => tracing::warn!(plugin, %function, "{line}"),
            Level::Error => tracing::error!(plugin, %function, "{line}"),
        }
    }
}

/// At most so many bytes from the start, ending between two characters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A plug-in must not be able to write what looks like a line of somebody else's.
fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(is_steering) {
        Cow::Owned(text.replace(is_steering, " "))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_a_flood_is_dropped() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(one_line("a\nERROR b\u{202e}"), "a ERROR b ");
        let mut log = CallLog::new("x 1.0.0".into(), Function::Validate);
        for _ in 0..16 {
            log.write(Level::Info, &"x".repeat(1 << 20));
        }
        assert!(!log.full);
        log.write(Level::Info, "x");
        assert!(log.full);
    }
}
